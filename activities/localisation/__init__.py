"""Fault localisation: which place is suspicious, and why."""
