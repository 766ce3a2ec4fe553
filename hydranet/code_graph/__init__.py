"""The code graph: its nodes and edges, and what can be asked of it."""
