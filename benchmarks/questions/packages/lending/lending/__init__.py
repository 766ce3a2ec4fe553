"""A library: its days, titles, members, loans, fines and holds."""
