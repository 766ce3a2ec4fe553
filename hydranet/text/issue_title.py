"""The title of an issue: the first sentence that says something, whatever template it was written into."""

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_CHECKBOX = re.compile(r"^\s*[-*+]\s*\[[ xX]\]")
# What Markdown puts around a line: marks of headings, quotes, lists and emphasis.
_MARKS = re.compile(r"^(?:[\s#>*_~`]|[-+]\s|\d+[.)]\s)+|[\s#*_~`]+$")
# A longer line is cut after its first sentence, if that says something.
_LONG = 100
_SENTENCE = re.compile(r".{20,}?[.!?。!?](?=\s|$)|.{8,}?[。!?]")
# Headings of issue templates. Words that only fill ("the", "your") are left out before they are compared.
_FILLING = frozenset("a an and clear concise here is of or please short the this to your you".split())
_HEADINGS = frozenset(
    {
        *("actual behavior", "actual behaviour", "actual result", "actual results", "additional context", "additional"),
        *("additional information", "background", "brief description", "bug", "bug description", "bug report"),
        *("bug summary", "checklist", "checks", "code", "code sample", "context", "current behavior"),
        *(
            "current behaviour",
            "description",
            "describe",
            "describe bug",
            "describe issue",
            "describe problem",
            "details",
        ),
        *("environment", "example", "expected behavior", "expected behaviour", "expected result", "expected results"),
        *(
            "initial checks",
            "issue",
            "issue description",
            "issue summary",
            "issue type",
            "minimal example",
            "motivation",
        ),
        *("minimal reproducible example", "observed behavior", "observed behaviour", "overview", "prerequisites"),
        *("preliminary checks", "problem", "problem description", "problem statement", "reproduce", "reproducer"),
        *("reproducible example", "reproduction", "reproduction steps", "steps", "steps reproduce", "summary", "title"),
        *("system info", "type", "version", "versions", "what happened", "what happens", "what went wrong"),
        *("what did do", "what did expect happen", "what did see", "what problem", "what's wrong", "what issue"),
    }
)


def find_title(issue: str) -> str:
    """Return the first sentence of an issue that is no heading of a template, or else its first line."""
    lines = [line for line in map(_strip, _list_lines(issue)) if re.search(r"\w", line)]
    says = (line for line in lines if not _is_heading(line))
    title = next(says, next(iter(lines), issue.strip().partition("\n")[0]))
    sentence = _SENTENCE.match(title) if len(title) > _LONG else None
    return sentence[0] if sentence else title


def _list_lines(issue: str) -> Iterator[str]:
    inside = False
    for line in _COMMENT.sub("", issue).splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside and not _CHECKBOX.match(line):
            yield line


def _strip(line: str) -> str:
    return _MARKS.sub("", line)


def _is_heading(line: str) -> bool:
    words = re.findall(r"[\w'\u2019]+", line.replace("\u2019", "'").lower())
    return " ".join(word for word in words if word not in _FILLING) in _HEADINGS
