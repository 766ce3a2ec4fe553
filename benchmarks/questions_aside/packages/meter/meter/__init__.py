"""Electricity: meters, readings, local time, rates and bills."""
