"""The edit format "file": the whole file anew."""

from collections.abc import Mapping

from activities.code.languages import find_language
from activities.inference.edits.blocks import COMMENTS, EditTarget, parse_blocks


def apply(answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str] | None:  # noqa: ARG001
    """Return the files that a block labelled with their path holds as a whole; None when there is no such block.

    A block that has fewer definitions or statements than the file is a part of it, not the file.
    """
    changed: dict[str, str] = {}
    for block in parse_blocks(answer):
        path = block.path(sources)
        if path is None or not _covers(path, block.code, sources[path]):
            continue
        code = _without_label(block.code, path)
        if code.strip() != sources[path].strip():
            changed[path] = code.rstrip() + "\n"
    return changed or None


def _covers(path: str, code: str, source: str) -> bool:
    language = find_language(path)
    if language is None:
        return True
    names = {definition.name for definition in language.list_definitions(source)}
    if not names <= {definition.name for definition in language.list_definitions(code)}:
        return False
    own, others = language.list_statements(source), language.list_statements(code)
    return 2 * len(own & others) >= len(own) >= len(others)


def _without_label(code: str, path: str) -> str:
    first, _, rest = code.partition("\n")
    is_label = first.startswith(COMMENTS) and first.strip("#/*-> \t").endswith(path.rpartition("/")[2])
    return rest if is_label else code
