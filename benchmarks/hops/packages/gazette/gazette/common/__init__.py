"""Small things that every desk needs."""
