"""Plain text: what a repository or a model wrote, shown as it is and never obeyed."""

import re
import shlex
from collections.abc import Iterable

_REPLACED = "\ufffd"
# All characters of Unicode that only steer (Cf, Zl, Zp): directions, tags, invisible operators, line separators. Left
# out are the two joiners, which scripts and emoji need, and the number signs and hieroglyph joiners that are drawn.
_STEERING = (
    *(0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF),
    *(*range(0xFFF9, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE0080)),
)
_CONTROLS = (*(code for code in range(0x20) if code not in (0x09, 0x0A)), *range(0x7F, 0xA0))
_SURROGATES = range(0xD800, 0xE000)
_VISIBLE: dict[int, int | str] = {
    **dict.fromkeys((*_CONTROLS, *_STEERING, *_SURROGATES), _REPLACED),
    **{code: 0x2400 + code for code in _CONTROLS if code < 0x20},
    0x7F: 0x2421,
}
_IN_JSON = {
    code: "".join(f"\\u{unit:04x}" for unit in memoryview(chr(code).encode("utf-16", "surrogatepass")[2:]).cast("H"))
    for code in (*_CONTROLS, *_STEERING, *_SURROGATES)
}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MARKUP = "\\`*_[]<>|#!&~$"


def escape_controls(text: str) -> str:
    """`text` with a picture for every character that would steer a terminal or reverse the reading order."""
    return text.translate(_VISIBLE)


def escape_json(text: str) -> str:
    """Return a JSON text that means the same, with an escape for every character that would steer a terminal."""
    return text.translate(_IN_JSON)


def clean_text(text: str) -> str:
    """Return `text` without what no database, file or message holds: NUL and lone surrogates."""
    if _UNSTORABLE.search(text) is None:
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", _REPLACED)


def format_command(*words: str) -> str:
    """Return a command line that a shell reads as these words, to be copied from a terminal."""
    return " ".join(map(_quote, words))


def _quote(word: str) -> str:
    if word == escape_controls(word).replace("\n", "").replace("\t", ""):
        return shlex.quote(word)
    # Bash and zsh know this form: the terminal shows escapes, and the shell reads what they stand for.
    shown = (char if char.isprintable() and char not in "'\\" else _octal(char) for char in word)
    return f"$'{''.join(shown)}'"


def _octal(char: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


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


def format_source_line(line: str) -> str:
    """A line of code as a Markdown code span that keeps its indentation; not for tables, as `format_code`."""
    shown = escape_controls(" ".join(line.split("\n")).expandtabs(4)).replace(" ", "\u00a0") or "\u00a0"
    ticks = _ticks(shown, 1)
    space = " " if "`" in (shown[:1], shown[-1:]) else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def format_block(lines: Iterable[str], language: str = "") -> str:
    """Lines as a fenced Markdown code block."""
    return fence("\n".join(" ".join(escape_controls(line).split("\n")) for line in lines), language)


def fence(text: str, info: str = "") -> str:
    """Return `text` in a fence that nothing inside it closes."""
    ticks = _ticks(text, 3)
    return f"{ticks}{info}\n{text.strip(chr(10))}\n{ticks}"


def _ticks(text: str, least: int) -> str:
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))
