"""How much the trees will bear."""
