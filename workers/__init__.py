"""Processes: a worker per role, the connection to Temporal, the embedded stack."""
