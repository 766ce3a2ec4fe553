"""Repair without a model: templates of common edits, tried where a fault is likely."""
