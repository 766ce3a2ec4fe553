"""The edit format "hunk": some lines of a function again, corrected."""

import textwrap
from collections.abc import Mapping

from activities.code.languages import find_language
from activities.inference.edits.blocks import Block, EditTarget, Window, parse_blocks
from activities.inference.edits.regions import replace_region
from hydranet.errors import PatchError

# An answer longer than this many times the lines that were asked for is the whole function.
_WHOLE = 1.5


def apply(answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str] | None:
    """Return the file of the window with its lines replaced; None when the question showed no window.

    An answer that is the whole function is left to the format "function".
    """
    window = target.window
    blocks = [block for block in parse_blocks(answer) if block.code.strip()]
    if window is None or not blocks or "<<<<<" in answer or window.path not in sources:
        return None
    lines = sources[window.path].split("\n")
    if any(_is_function(block, sources[window.path], target, window) for block in blocks):
        return None
    refusal: PatchError | None = None
    # The original is often quoted before the new version.
    for block in reversed(blocks):
        try:
            first, last, new = replace_region(lines, window.first, window.last, block.code.split("\n"))
        except PatchError as error:
            refusal = error
            continue
        if new != lines[first - 1 : last] or block is blocks[0]:
            return {window.path: "\n".join([*lines[: first - 1], *new, *lines[last:]])}
    raise refusal or PatchError("The answer holds no code.")


def _is_function(block: Block, source: str, target: EditTarget, window: Window) -> bool:
    language = find_language(window.path)
    if language is None:
        return False
    given = language.read_answer(textwrap.dedent(block.code.expandtabs(4)))
    names = {definition.own_name for definition in given if definition.kind == "function"}
    for own in language.list_definitions(source):
        if own.name not in target.symbols or own.own_name not in names:
            continue
        holds_head = window.first <= own.start <= window.last
        is_whole = window.first <= own.first and own.last <= window.last
        longer = block.code.count("\n") > _WHOLE * (window.last - window.first + 1)
        return is_whole or not holds_head or longer
    return False
