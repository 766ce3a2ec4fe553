"""From an answer to new sources: every edit format, whichever the model chose.

A new format is one module with an `apply` like the others' and one line in `FORMATS`.
"""

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Protocol

from activities.code.languages import find_language
from activities.inference.edits import diff, file, function, hunk, search_replace
from activities.inference.edits.blocks import EditTarget, Window, find_named_paths, parse_blocks
from hydranet.errors import PatchError

__all__ = ["FORMATS", "EditTarget", "UnchangedError", "Window", "apply_edit", "find_named_paths"]


class UnchangedError(PatchError):
    """The answer repeats the code as it is, but perhaps for comments."""


class Format(Protocol):
    """Reads an answer as edits of `sources`: the changed files, or None when it is not in this format."""

    def __call__(self, answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str] | None:
        """Apply the answer; PatchError when it is in this format but cannot be applied."""
        ...


FORMATS: dict[str, Format] = {
    "hunk": hunk.apply,
    "search_replace": search_replace.apply,
    "diff": diff.apply,
    "file": file.apply,
    "function": function.apply,
}


def apply_edit(
    answer: str, sources: Mapping[str, str], target: EditTarget, *, truncated: bool = False
) -> dict[str, str]:
    """Return the new text of every file of `sources` that `answer` changes; at least one.

    `truncated` says that the answer ended at its length limit. Raises PatchError, with a sentence for
    the model, when the answer holds no edit, an edit that does not fit, no change of the code, or invalid syntax.
    """
    if truncated and not all(block.closed for block in parse_blocks(answer)):
        raise PatchError("The answer is too long and was cut off.")
    unix = {path: source.replace("\r\n", "\n") for path, source in sources.items()}
    changed = _applied(answer.replace("\r\n", "\n"), unix, target)
    changed = {path: source for path, source in changed.items() if source != unix[path]}
    if all(_is_same_code(path, unix[path], source) for path, source in changed.items()):
        raise UnchangedError("The answer is the code as it was, with the bug still in it.")
    for path, source in changed.items():
        language = find_language(path)
        problem = language.find_new_fault(unix[path], source) if language else None
        if problem is not None:
            lines = source.split("\n")[problem.line - 1 : problem.line]
            shown = f": {lines[0].strip()[:80]}" if lines else ""
            raise PatchError(f"Invalid syntax in {path} {problem.place} ({problem.message}){shown}")
    return {path: _like(sources[path], source) for path, source in changed.items()}


def _applied(answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str]:
    for apply in FORMATS.values():
        changed = apply(answer, sources, target)
        if changed is not None:
            return changed
    raise PatchError("The answer holds no code.")


def _is_same_code(path: str, old: str, new: str) -> bool:
    language = find_language(path)
    return old == new if language is None else language.is_same_code(old, new)


def _like(original: str, source: str) -> str:
    """Return `source` with the line ends of `original`: a line that stays keeps its own, new ones get the commonest."""
    crlf, all_ends = original.count("\r\n"), original.count("\n")
    if crlf in (0, all_ends):
        return source.replace("\n", "\r\n") if crlf else source
    old, new = original.split("\n"), source.split("\n")
    matcher = SequenceMatcher(None, [line.removesuffix("\r") for line in old], new, autojunk=False)
    kept = {
        block.b + offset: old[block.a + offset].endswith("\r")
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }
    usual = 2 * crlf >= all_ends
    ends = ("\r\n" if kept.get(number, usual) else "\n" for number in range(len(new) - 1))
    return "".join(line + end for line, end in zip(new, [*ends, ""], strict=True))
