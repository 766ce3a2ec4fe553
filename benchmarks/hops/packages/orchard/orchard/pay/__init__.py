"""What pickers earn."""
