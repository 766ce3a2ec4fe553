"""Small things that every part needs."""
