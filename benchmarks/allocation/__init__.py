"""Replays of allocations over a pool of recorded, tested draws."""
