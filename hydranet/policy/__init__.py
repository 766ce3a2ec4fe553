"""Rules for what a run and its models may do."""
