"""Isolated execution: everything that comes from a repository or a model runs in a sandbox."""
