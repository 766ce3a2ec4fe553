"""A small newspaper: its articles, pages, puzzles and readers."""
