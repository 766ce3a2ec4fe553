"""Forges: issues that are read there, and pull requests that are opened."""
