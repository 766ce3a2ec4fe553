"""Text cut to a number of characters, with a mark where something is missing.

Every function returns text that fits as it is, and never more than `limit` characters otherwise.
"""

import hashlib

_MARK = "…"
_HASH_CHARACTERS = 10


def keep_start(text: str, limit: int) -> str:
    """Return the beginning of `text`."""
    return text if len(text) <= limit else f"{text[: limit - 1]}{_MARK}"


def keep_end(text: str, limit: int) -> str:
    """Return the end of `text`."""
    return text if len(text) <= limit else f"{_MARK}{text[1 - limit :]}"


def keep_first_lines(text: str, limit: int) -> str:
    """Return the first whole lines of `text`, or the beginning of a single long one."""
    if len(text) <= limit:
        return text
    start = text[: limit - 1]
    return f"{start.rpartition(chr(10))[0] or start[:-1]}\n{_MARK}"


def keep_last_lines(text: str, limit: int) -> str:
    """Return the last whole lines of `text`, or the end of a single long one."""
    if len(text) <= limit:
        return text
    end = text[1 - limit :]
    return f"{_MARK}\n{end.partition(chr(10))[2] or end[1:]}"


def keep_ends(text: str, limit: int) -> str:
    """Return the first and the last whole lines of `text`, at most a third of them first ones."""
    if len(text) <= limit:
        return text
    first = text[: limit // 3].rpartition("\n")[0]
    cut = text[len(first) + 3 - limit :]
    last = cut.partition("\n")[2] or cut
    return "\n".join(filter(None, (first, _MARK, last)))


def keep_distinct(text: str, limit: int) -> str:
    """Return the beginning of `text` and a hash of the whole, so that texts that differ stay different."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_CHARACTERS]
    return f"{text[: limit - _HASH_CHARACTERS - 1]}{_MARK}{digest}"
