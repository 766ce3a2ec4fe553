"""Delivering notices to people: by webhook, e-mail, on a desktop, through a program."""
