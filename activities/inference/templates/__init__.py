"""The model-free repair backend: fault localisation and typed single-edit templates."""
