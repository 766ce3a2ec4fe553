"""A tally: survey answers as tables, grouped, weighted and printed."""
