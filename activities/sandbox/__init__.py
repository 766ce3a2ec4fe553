"""Running what a repository or a model made, where it can hurt nobody."""
