"""The cold stores."""
