"""The post-mortem as something to read and to forward: one renderer per form."""
