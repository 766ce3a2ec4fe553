"""Contests of fixes that behave differently."""
