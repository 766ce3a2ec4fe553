"""The boats and what they carry."""
