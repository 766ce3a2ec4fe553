"""A larder: recipes, what is in stock, and what has to be bought."""
