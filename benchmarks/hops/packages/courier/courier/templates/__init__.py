"""Texts with gaps."""
