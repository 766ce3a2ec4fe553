"""Removing what is older than the settings keep it: in the database, in repositories, in the caches of nodes."""
