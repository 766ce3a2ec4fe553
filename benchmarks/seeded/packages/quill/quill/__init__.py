"""A quill: plain text with light markup, made into HTML."""
