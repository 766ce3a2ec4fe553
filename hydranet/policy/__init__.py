"""What a run and its models may do."""
