"""Figures as people read them: counts, durations, moments, shares."""

from datetime import datetime

# By the last letter, of the nouns in use.
_PLURALS = {"h": "hes", "y": "ies"}


def format_count(number: int, noun: str) -> str:
    """`1 attempt`, `12 branches`, `2 strategies`, `34,500 tokens`."""
    if number != 1:
        noun = noun[:-1] + _PLURALS.get(noun[-1], f"{noun[-1]}s")
    return f"{number:,} {noun}"


def format_duration(seconds: float) -> str:
    """Two units at most: `0.8 s`, `42 s`, `4 min 12 s`, `1 h 3 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _units(whole, "min", "s")
    return _units(round(seconds / 60), "h", "min")


def format_size(size: float) -> str:
    """`812 bytes`, `3.4 MB`, `12 GB`: as disks are counted."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= step:
            value = size / step
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
    return f"{size:.0f} bytes"


def format_moment(at: datetime, now: datetime) -> str:
    """`10:31`, or `2026-11-27 10:31` on another day, as a clock shows it where `now` is."""
    there = at.astimezone(now.tzinfo)
    return there.strftime("%H:%M" if there.date() == now.date() else "%Y-%m-%d %H:%M")


def format_start(at: datetime) -> str:
    """`2026-11-27 10:31`, as this machine's clock shows it."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _units(small: int, large_unit: str, small_unit: str) -> str:
    large, rest = divmod(small, 60)
    return f"{large} {large_unit} {rest} {small_unit}" if rest else f"{large} {large_unit}"


def format_share(part: float, whole: float) -> str:
    """`part` of `whole` in per cent, without decimals."""
    percent = 100 * part / whole
    return "under 1 %" if 0 < percent < 1 else f"{percent:.0f} %"


def join_words(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`; of more than five, the first four and how many others."""
    if len(items) > 5:
        items = [*items[:4], f"{len(items) - 4} others"]
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)
