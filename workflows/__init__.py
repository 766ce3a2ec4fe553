"""The decisions of a run: deterministic Temporal workflows."""
