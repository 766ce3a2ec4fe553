"""Reading source code: syntax trees, which files are tests, what an issue mentions."""
