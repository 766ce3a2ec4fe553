"""Plain text: what a repository or a model wrote, shown as it is and never obeyed."""

import json
import re
from collections.abc import Iterable
from typing import Any

_REPLACED = "\ufffd"
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE: dict[int, int | str] = {
    **{character: 0x2400 + character for character in range(0x20) if character not in (0x09, 0x0A)},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *_DIRECTIONS, *range(0xD800, 0xE000)), _REPLACED),
}
_MARKUP = "\\`*_[]<>|#!&~$"


def escape_controls(text: str) -> str:
    """`text` with a picture for every character that would steer a terminal or reverse the reading order."""
    return text.translate(_VISIBLE)


def format_json(value: Any) -> str:
    """Return `value` as one line of JSON, with escapes for what would steer a terminal or reverse the reading order."""
    line = json.dumps(value, ensure_ascii=False)
    return "".join(f"\\u{ord(char):04x}" if ord(char) in _VISIBLE else char for char in line)


def escape_markdown(text: str) -> str:
    """Return one line of Markdown that shows `text` as it is."""
    line = escape_controls(" ".join(text.split()))
    escaped = "".join(f"\\{char}" if char in _MARKUP else char for char in line)
    # What begins a list, a rule or a heading does so at the beginning of a line only.
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", escaped)


def format_code(text: str) -> str:
    """`text` as a Markdown code span; not for tables, where a bar ends the cell all the same."""
    line = escape_controls(" ".join(text.split()))
    ticks = _ticks(line, 1)
    space = " " if "`" in (line[:1], line[-1:]) else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def format_block(lines: Iterable[str], language: str = "") -> str:
    """Lines as a fenced Markdown code block."""
    return fence("\n".join(" ".join(escape_controls(line).split("\n")) for line in lines), language)


def fence(text: str, info: str = "") -> str:
    """Return `text` in a fence that nothing inside it closes."""
    ticks = _ticks(text, 3)
    return f"{ticks}{info}\n{text.strip(chr(10))}\n{ticks}"


def _ticks(text: str, least: int) -> str:
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))
