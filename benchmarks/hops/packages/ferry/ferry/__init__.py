"""Tickets, timetables and loading for a small ferry line."""
