"""Secrets in lines of text, by the rules of detect-secrets, which is asked for nothing but its rules.

Nothing is read from files, nothing is verified over a network, and no comment in a line exempts it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from posixpath import splitext

from hydranet import patches

# Addresses of servers are no secrets, and tests are full of them.
_UNUSED_PLUGINS = frozenset({"IPPublicDetector"})

# Which hits are no secrets after all. Left out are those by which a line or a file's name could exempt itself.
_FILTERS = tuple(
    f"detect_secrets.filters.heuristic.{name}"
    for name in (
        *("is_sequential_string", "is_potential_uuid", "is_likely_id_string", "is_templated_secret"),
        *("is_prefixed_with_dollar_sign", "is_indirect_reference", "is_not_alphanumeric_string"),
    )
)
_BY_FILE = ("detect_secrets.filters.common.is_invalid_file", "detect_secrets.filters.heuristic.is_non_text_file")

# Its expressions take longer than linear time on long lines, so these are scanned in pieces that overlap.
_PIECE = 2000
_OVERLAP = 400

# The settings of detect-secrets are one for the whole process.
_LOCK = threading.Lock()


def find_secrets(path: str, lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the number and the kind of secret of each of the numbered lines of a file that seem to hold one."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.core.scan import scan_diff
    from detect_secrets.settings import transient_settings

    pieces = [(number, piece) for number, line in lines for piece in _split(line)]
    if not pieces:
        return
    known: dict[str, type] = get_mapping_from_secret_type_to_class()
    plugins = (plugin.__name__ for plugin in known.values())
    used = {
        "plugins_used": [{"name": name} for name in plugins if name not in _UNUSED_PLUGINS],
        "filters_used": [{"path": path} for path in _FILTERS],
    }
    # The ending tells which forms of assignments there are; the rest of a name could exempt the file.
    ending = "".join(char for char in splitext(path)[1] if char.isalnum())[:10]
    diff = patches.make_diff(f"file.{ending}", None, "".join(f"{piece}\n" for _, piece in pieces))
    with _LOCK, transient_settings(used) as settings:
        settings.disable_filters(*_BY_FILE)
        hits = {(pieces[secret.line_number - 1][0], secret.type) for secret in scan_diff(diff)}
    yield from sorted(hits)


def _split(line: str) -> Iterator[str]:
    # Characters at which Python, though not git, ends a line would end the diff's lines too.
    text = " ".join(line.replace("\0", " ").splitlines())
    yield from (text[start : start + _PIECE] for start in range(0, max(1, len(text)), _PIECE - _OVERLAP))
