"""Lets the tests import the package from the repository's root."""
