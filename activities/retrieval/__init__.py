"""Retrieval: the code a model should see."""
