"""What stays of a run when Temporal has forgotten it: its log, its transcripts and patches, and the search for it."""
