"""Articles and what becomes of them."""
