"""Messages that wait."""
