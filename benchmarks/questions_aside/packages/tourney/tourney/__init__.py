"""Chess tournaments: clocks, games, tie-breaks, standings and pairings."""
