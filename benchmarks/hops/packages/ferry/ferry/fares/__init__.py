"""What a crossing costs."""
