"""How the paper gets to its readers."""
