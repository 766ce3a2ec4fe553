"""Paths of HTTP: what a client asks for and what a server offers, in one form."""

from urllib.parse import urlsplit

METHODS = frozenset("GET POST PUT PATCH DELETE HEAD OPTIONS".split())
ANY = "{}"
"""A segment that any value fits."""
_LONGEST = 200


def normalise_route(path: str) -> str:
    """Return a path with its parameters, "/users/<int:id>/" or "/users/:id", as "users/{}"."""
    segments = (ANY if set(part) & set("<{*") or part[:1] in (":", "$") else part for part in path.split("/") if part)
    return "/".join(segments)


def parse_request(url: str) -> str | None:
    """Return the path that a literal address asks for; None when it is none. A filled-in host may stand before it."""
    if len(url) > _LONGEST or "\n" in url or " " in url:
        return None
    try:
        path = urlsplit(url).path if "://" in url else url.removeprefix(ANY).partition("?")[0].partition("#")[0]
    except ValueError:
        return None
    return normalise_route(path) if path.startswith("/") and normalise_route(path).replace(ANY, "").strip("/") else None
