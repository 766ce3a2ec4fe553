"""Inference: model backends, prompts, and from an answer to candidate patches."""
