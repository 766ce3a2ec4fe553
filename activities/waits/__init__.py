"""The waits of a run for parts of the stack."""
