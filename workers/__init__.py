"""Worker processes, the connection to Temporal and the embedded stack."""
