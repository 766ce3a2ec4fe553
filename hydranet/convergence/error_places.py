"""Places of syntax errors: whether one follows another because that was repaired."""

from rapidfuzz.distance import Indel

from hydranet.convergence.error_signature import ErrorSignature
from hydranet.patches import Edit, Patch

# Lines this far apart are the same place if their code is alike: the patch itself moves lines.
_REACH = 5
_ALIKE = 0.6


def lies_elsewhere(error: ErrorSignature, patch: Patch, earlier: ErrorSignature, earlier_patch: Patch) -> bool:
    """Return whether a syntax error has another place than an earlier one; False where no place is known.

    Both patches may start from the same state, or the later one from what the earlier one made.
    """
    if not error.line or not earlier.line:
        return False
    if _is_next(error, patch, earlier, earlier_patch):
        return True
    line = _find_old_line(error, patch)
    distance = min(abs(line - _find_old_line(earlier, earlier_patch)), abs(line - earlier.line))
    unlike = error.code and earlier.code and Indel.normalized_similarity(error.code, earlier.code) < _ALIKE
    return distance > (0 if unlike else _REACH)


def _is_next(error: ErrorSignature, patch: Patch, earlier: ErrorSignature, earlier_patch: Patch) -> bool:
    """Return whether the earlier line was changed, and this one had only been hidden behind it."""
    added = _list_lines(patch, "added")
    if not error.code or not earlier.code or earlier.code in added:
        return False
    replaced = earlier.code in _list_lines(patch, "removed") and error.code not in added
    return replaced or error.code in _list_lines(earlier_patch, "added")


def _list_lines(patch: Patch, side: str) -> set[str]:
    return {line.strip() for edit in patch.edits for line in getattr(edit, side)}


def _find_old_line(error: ErrorSignature, patch: Patch) -> int:
    """Return where the line of an error was before the patch; lines of the patch count from where it starts."""
    shift = 0
    for edit in sorted((edit for edit in patch.edits if _is_in(error, edit)), key=lambda edit: edit.start):
        offset = error.line - edit.start - shift
        if offset < 0:
            break
        if offset < len(edit.added):
            return edit.start + offset
        shift += len(edit.added) - len(edit.removed)
    return error.line - shift


def _is_in(error: ErrorSignature, edit: Edit) -> bool:
    return f"/{edit.file}".endswith(f"/{error.file}")
