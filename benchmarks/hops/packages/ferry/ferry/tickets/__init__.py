"""What passengers hold in their hands."""
