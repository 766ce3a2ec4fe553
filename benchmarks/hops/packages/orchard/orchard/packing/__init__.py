"""From the tree to the crate."""
