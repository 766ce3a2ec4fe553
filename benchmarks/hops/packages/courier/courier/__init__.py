"""Tells people where their parcels are: messages, webhooks, retries."""
