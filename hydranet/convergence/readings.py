"""Readings: which lines of which file a command prints, whatever the tool."""

import posixpath
import re
import shlex
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from hydranet.policy import investigation

_END = 10**9
_HARMLESS = re.compile(r"\s(?:\d?>\s?/dev/null|&>\s?/dev/null|2>&1)")
_NUMBERED = re.compile(r"\s*(\d{1,7})(?:\t| *[:|│→] ?)")
_COUNT = re.compile(r"-(?:n|-lines=)?(\+?)(\d{1,7})$")
_LINES = re.compile(r"(\d{1,7})(?:,\s*(\d{1,7}|\$))?\s*p(?:;\s*\d+q)?$")
_PATTERNS = re.compile(r"(?:\d{1,7}|/[^/]*/),\s*(?:\d{1,7}|\$|\+\d+|/[^/]*/)p$|/[^/]*/p$")
_FIRST_LINES = re.compile(r"(\d{1,7})q$")
_SCRIPT = re.compile(r"-[nE]*e(.+)$")
_CONDITION = re.compile(r"\bNR\s*(>=|<=|==|>|<)\s*(\d{1,7})")
# Options that take the next word.
_VALUED = {"nl": "bwsvn", "head": "n", "tail": "n", "sed": "e", "grep": "e"}


class Reading(NamedTuple):
    """Lines `first` to `last` of a file, from 1; not `exact` where the file decides which of them are printed."""

    path: str
    first: int = 1
    last: int = _END
    exact: bool = True

    def overlaps(self, other: "Reading") -> bool:
        """Return whether both can print the same line: they share lines, and one path may be the end of the other."""
        short, long = sorted((self.path, other.path), key=len)
        same_file = long == short or long.endswith(f"/{short}")
        return same_file and self.first <= other.last and other.first <= self.last


@lru_cache(maxsize=1024)
def parse_reading(command: str) -> Reading | None:
    """Return what a command reads; None for one that does anything but print lines of one file."""
    line = _HARMLESS.sub("", f" {investigation.parse_command(command)}")
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split, lexer.commenters = True, ""
    folder, stages = "", [list[str]()]
    try:
        for word in lexer:
            if word in ("&&", ";") and len(stages) == 1 and stages[0][:1] == ["cd"]:
                folder, stages = posixpath.join(folder, *stages[0][1:2]), [[]]
            elif word == "|":
                stages.append([])
            elif set(word) <= set("|&;<>()") and word:
                return None
            else:
                stages[-1].append(word)
    except ValueError:
        return None
    reading: Reading | None = Reading("")
    for stage in stages:
        reading = reading and _narrow(stage, reading, folder)
    return reading if reading and reading.path else None


def strip_line_numbers(text: str) -> str:
    """Return a listing without outer blank lines and without line numbers, which `cat -n` and its like put first."""
    lines = text.strip("\n").split("\n")
    matches = [_NUMBERED.match(line) for line in lines if line.strip()]
    numbers = [int(match[1]) for match in matches if match]
    if len(numbers) == len(matches) and all(first < second for first, second in pairwise(numbers)):
        lines = [_NUMBERED.sub("", line, count=1) for line in lines]
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _narrow(words: Sequence[str], reading: Reading, folder: str) -> Reading | None:
    """Return what a stage of a pipe prints of `reading`; the first stage names the file."""
    tool = posixpath.basename(words[0]) if words else ""
    options, rest = _split_options(words[1:], _VALUED.get(tool, ""))
    script = ""
    if tool in ("sed", "awk", "grep"):
        given = next((match[1] for option in options if (match := _SCRIPT.match(option))), None)
        script = given if given is not None else rest.pop(0) if rest else ""
    if len(rest) != (not reading.path):
        return None
    if rest:
        reading = Reading(posixpath.normpath(posixpath.join(folder, rest[0])))
    match tool:
        case "cat" | "nl" | "less" | "more" | "bat":
            return reading
        case "head" | "tail":
            return _narrow_to_end(tool, options, reading)
        case "sed":
            return _narrow_by_sed(script, any(re.match(r"-\w*n|--quiet|--silent", word) for word in options), reading)
        case "awk":
            return _narrow_by_awk(script, reading)
        case "grep":
            return reading if script in ("", ".", "^") else None
    return None


def _split_options(words: Sequence[str], valued: str) -> tuple[list[str], list[str]]:
    options, rest = list[str](), list[str]()
    waiting = False
    for index, word in enumerate(words):
        if waiting:
            options[-1] += word
            waiting = False
        elif word == "--":
            return options, [*rest, *words[index + 1 :]]
        elif word.startswith("-") and len(word) > 1:
            options.append(word)
            waiting = word[1] != "-" and word[-1] in valued
        else:
            rest.append(word)
    return options, rest


def _narrow_to_end(tool: str, options: Sequence[str], reading: Reading) -> Reading | None:
    counts = [match for option in options if (match := _COUNT.match(option))]
    if len(counts) < len(options):
        return None
    count, from_start = (int(counts[-1][2]), bool(counts[-1][1])) if counts else (10, False)
    if tool == "head":
        return _cut(reading, 1, count)
    if from_start:
        return _cut(reading, count, _END)
    if reading.last == _END:
        return reading._replace(exact=False)
    return _cut(reading, reading.last - reading.first - count + 2, _END)


def _narrow_by_sed(script: str, quiet: bool, reading: Reading) -> Reading | None:
    if not quiet:
        match = _FIRST_LINES.match(script)
        return _cut(reading, 1, int(match[1])) if match else None
    if match := _LINES.match(script):
        return _cut(reading, int(match[1]), _END if match[2] == "$" else int(match[2] or match[1]))
    return reading._replace(exact=False) if _PATTERNS.match(script) else None


def _narrow_by_awk(script: str, reading: Reading) -> Reading:
    first, last = 1, _END
    conditions = [(sign, int(number)) for sign, number in _CONDITION.findall(script)]
    only = [number for sign, number in conditions if sign == "=="]
    if only:
        return _cut(reading, only[0], only[-1])
    for sign, number in conditions:
        if sign.startswith(">"):
            first = number + (sign == ">")
        else:
            last = number - (sign == "<")
    return _cut(reading, first, last)


def _cut(reading: Reading, first: int, last: int) -> Reading:
    if not reading.exact:
        return reading
    start = reading.first - 1
    return reading._replace(first=max(start + first, reading.first), last=min(reading.last, start + last))
