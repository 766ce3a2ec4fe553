"""Seeds: everything drawn at random in a run is drawn from these, so that a replay draws the same."""

import zlib


def derive_seed(seed: str, *place: int) -> int:
    """Return a number in 0..2**31-1 for a `place` in the run (round, or branch and attempt), by CRC-32."""
    return zlib.crc32("/".join([seed, *map(str, place)]).encode()) % 2**31
