"""Puts the package on the path of the tests."""
