"""Rates of pay, in pence."""

PER_CRATE = 240
BONUS = 1000
PER_HOUR = 1144
