"""How much an attempt repeats earlier ones, and when a branch is dead."""
