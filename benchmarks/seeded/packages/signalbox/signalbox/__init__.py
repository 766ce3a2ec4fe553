"""A signal box: a railway network, the trains on it, and who has to wait."""
