"""A cachet: documents kept in layers, the fast ones in front of the slow ones."""
