"""Where a parcel goes, by its postcode."""

from collections.abc import Mapping


class UnknownPostcode(LookupError):
    """A postcode that no zone covers."""


class Zones:
    """Zones by the prefixes of postcodes; the longest prefix that fits counts."""

    def __init__(self, prefixes: Mapping[str, str], remote: frozenset[str] = frozenset()) -> None:
        self._prefixes = dict(prefixes)
        self._remote = remote

    def zone(self, postcode: str) -> str:
        """Return the zone of a postcode, or raise UnknownPostcode."""
        plain = postcode.replace(" ", "").upper()
        for end in range(len(plain), 0, -1):
            if plain[:end] in self._prefixes:
                return self._prefixes[plain[:end]]
        raise UnknownPostcode(postcode)

    def is_remote(self, postcode: str) -> bool:
        """Return whether a postcode begins with one of the remote prefixes."""
        plain = postcode.replace(" ", "").upper()
        return any(plain.startswith(prefix) for prefix in self._remote)
