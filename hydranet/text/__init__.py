"""Text for people and prompts: escaped, formatted, cut."""
