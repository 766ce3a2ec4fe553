"""Buses: services, stops, trips, boards and journeys."""
