"""Differences of texts: hunks, unified diffs, patches and merges."""
