"""What a node tells of itself: its meters, and whether it has what its role needs."""
