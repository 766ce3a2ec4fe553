"""When the boats go."""
