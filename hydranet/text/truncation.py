"""Text cut to a number of characters, with a mark where something is missing.

Every function returns text that fits as it is, and never more than `limit` characters otherwise. A cut within a line is
marked by an ellipsis. Where lines are left out, a line says how many characters that is, or is an ellipsis too when the
limit leaves no room for a count.
"""

import hashlib

_ELLIPSIS = "…"
_HASH_CHARACTERS = 10
# Below this limit a count would take the room of what it speaks of.
_COUNTED_FROM = 120


def keep_start(text: str, limit: int) -> str:
    """Return the beginning of `text`."""
    return text if len(text) <= limit else f"{text[: limit - 1]}{_ELLIPSIS}"


def keep_end(text: str, limit: int) -> str:
    """Return the end of `text`."""
    return text if len(text) <= limit else f"{_ELLIPSIS}{text[len(text) - limit + 1 :]}"


def keep_first_lines(text: str, limit: int) -> str:
    """Return the first whole lines of `text`, or the beginning of a single long one."""
    if len(text) <= limit:
        return text
    return _join(text, _cut_first(text, _find_room(text, limit) - 1), "", limit)


def keep_last_lines(text: str, limit: int) -> str:
    """Return the last whole lines of `text`, or the end of a single long one."""
    if len(text) <= limit:
        return text
    return _join(text, "", _cut_last(text, _find_room(text, limit) - 1), limit)


def keep_ends(text: str, limit: int, first_share: float = 1 / 3) -> str:
    """Return the first and the last whole lines of `text`, of which the first take at most `first_share`."""
    if len(text) <= limit:
        return text
    room = _find_room(text, limit) - 2
    first = _cut_first(text, int(room * first_share))
    return _join(text, first, _cut_last(text, room - len(first.removesuffix("\n"))), limit)


def keep_distinct(text: str, limit: int) -> str:
    """Return the beginning of `text` and a hash of the whole, so that texts that differ stay different."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_CHARACTERS]
    return f"{text[: limit - _HASH_CHARACTERS - 1]}{_ELLIPSIS}{digest}"


def _make_mark(left_out: int, limit: int) -> str:
    return f"[{left_out:,} characters left out]" if limit >= _COUNTED_FROM else _ELLIPSIS


def _find_room(text: str, limit: int) -> int:
    return limit - len(_make_mark(len(text), limit))


def _cut_first(text: str, room: int) -> str:
    """Return whole lines with the line break that the mark follows, which takes no room."""
    lines, newline, _ = text[: max(0, room) + 1].rpartition("\n")
    return f"{lines}{newline}" or text[: max(0, room)]


def _cut_last(text: str, room: int) -> str:
    start = len(text) - max(0, room)
    return text[start - 1 :].partition("\n")[2] or text[start:]


def _join(text: str, first: str, last: str, limit: int) -> str:
    mark = _make_mark(len(text) - len(first) - len(last), limit)
    before = "\n" if first and not first.endswith("\n") else ""
    return f"{first}{before}{mark}" + (f"\n{last}" if last else "")
