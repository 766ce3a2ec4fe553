"""Git: running it, and its objects."""
