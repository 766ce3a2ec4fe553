"""Who gets messages."""
