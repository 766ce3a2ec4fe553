"""The fenced code blocks of an answer."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from hydranet.errors import PatchError

_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})[ \t]*(.*?)\s*$")
_CODE = re.compile(
    r"^\s*(def |async def |class |@|from \S+ import |import |export |(async )?function\*? ?\w*\("
    r"|(const|let|var) \w+ ?[=:])"
)
COMMENTS = ("#", "//", "/*", "--")
"""What the comments of any language begin with."""

ELISION = re.compile(
    r"^\s*((#|//|--|/\*) ?(\.{3}|…)|(\.{3}|…) *#|"
    r"(#|//|--|/\*) ?\(?(the )?(rest|remaining|existing|other|same)\b.*\b(code|here|unchanged|above))",
    re.IGNORECASE,
)
"""A comment that stands for code: "# ... rest of the method", "... # unchanged"."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code, the words around its opening fence, and whether its fence was closed."""

    code: str
    info: str = ""
    before: str = ""
    closed: bool = True

    def path(self, known: Collection[str]) -> str | None:
        """Return the path of `known` that labels the block: in its fence, above it or in its first line."""
        first = self.code.lstrip().partition("\n")[0]
        labels = (self.info, self.before, first if first.startswith(COMMENTS) else "")
        return next((path for label in labels if (path := find_named_path(label, known))), None)


def parse_blocks(answer: str) -> list[Block]:
    """Return the fenced blocks of `answer`; without any fence, its text from the first line that looks like code."""
    blocks: list[Block] = []
    lines, at, before = answer.split("\n"), 0, ""
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening is None:
            before = lines[at].strip() or before
            at += 1
            continue
        end = next((i for i in range(at + 1, len(lines)) if _closes(lines[i], opening[1])), len(lines))
        blocks.append(Block("\n".join(lines[at + 1 : end]), opening[2], before, closed=end < len(lines)))
        at, before = end + 1, ""
    return blocks or _unfenced(lines)


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def _unfenced(lines: list[str]) -> list[Block]:
    start = next((i for i, line in enumerate(lines) if _CODE.match(line)), None)
    return [] if start is None else [Block("\n".join(lines[start:]))]


@dataclass(frozen=True, slots=True)
class Window:
    """Lines of a file (1-based, both included) that a question shows and asks for."""

    path: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class EditTarget:
    """The files and symbols a strategy aims at; other known files may be changed too.

    `window` holds the lines that were asked for, where the question was about lines.
    """

    files: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    window: Window | None = None

    def order(self, known: Iterable[str]) -> list[str]:
        """Return the known files, those aimed at first."""
        known = list(known)
        return [path for path in self.files if path in known] + [p for p in known if p not in self.files]


def find_named_path(text: str, known: Collection[str]) -> str | None:
    """Return the path of `known` that `text` names, in full or by its end, if it names exactly one."""
    words = {word.removeprefix("./").rstrip(".:") for word in re.findall(r"[\w./:-]+", text)}
    words |= {word[2:] for word in words if word.startswith(("a/", "b/"))}
    exact = [path for path in known if path in words]
    ending = [path for path in known if any("." in word and path.endswith("/" + word) for word in words)]
    matches = exact or ending
    return matches[0] if len(matches) == 1 else None


def find_named_paths(answer: str, known: Collection[str]) -> list[str]:
    """Return the paths of `known` that `answer` names in full, the first few."""
    words = dict.fromkeys(re.findall(r"[\w./-]+\.\w+", answer[:50_000]))
    bare = (re.sub(r"^(\./|[ab]/)", "", word) if word not in known else word for word in words)
    return [path for path in dict.fromkeys(bare) if path in known][:5]


def replace_lines(source: str, old: list[str], new: list[str], path: str, near: int | None = None) -> str:
    """`source` with the lines `old` replaced by `new`; of several places the one nearest to line `near`.

    Lines that differ from the file only at their end, or all by the same indentation, still match;
    `new` is then indented like the file. PatchError when `old` is not in the file, or is in several
    places and `near` does not decide.
    """
    lines = source.split("\n")
    if not any(line.strip() for line in old):
        raise PatchError(f"The answer does not say which lines of {path} to replace.")
    for normal in (str, str.rstrip, str.strip):
        wanted = [normal(line) for line in old]
        have = [normal(line) for line in lines]
        places = [i for i in range(len(have) - len(wanted) + 1) if have[i : i + len(wanted)] == wanted]
        if len(places) > 1 and near is not None:
            places = [min(places, key=lambda place: abs(place + 1 - near))]
        if len(places) > 1:
            raise PatchError(f"The lines to replace occur {len(places)} times in {path}.")
        if places:
            at = places[0]
            there = lines[at : at + len(old)]
            return "\n".join([*lines[:at], *_shifted(new, old, there), *lines[at + len(old) :]])
    first = next(line.strip() for line in old if line.strip())
    raise PatchError(f"The lines to replace are not in {path}: {first[:80]}")


def find_indentation(line: str) -> str:
    """Return the white space `line` begins with."""
    return line[: len(line) - len(line.lstrip())]


def _shifted(new: list[str], old: list[str], there: list[str]) -> list[str]:
    quoted, actual = next(
        ((find_indentation(a), find_indentation(b)) for a, b in zip(old, there, strict=True) if a.strip()), ("", "")
    )
    if quoted == actual:
        return new
    return [actual + line[len(quoted) :] if line.strip() and line.startswith(quoted) else line for line in new]
