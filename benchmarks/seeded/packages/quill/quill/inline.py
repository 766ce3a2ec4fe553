"""Emphasis, code and links within a line."""

import re

from quill.escape import escape, tag

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_MARKS = (("**", "strong"), ("*", "em"), ("~~", "del"))


def render(text, links=None):
    """The HTML of a line; the targets of its links are added to `links`."""
    return _spans(text, links if links is not None else [])


def _spans(text, links):
    made = []
    at = 0
    while at < len(text):
        if text[at] == "`":
            end = text.find("`", at + 1)
            if end > 0:
                made.append(tag("code", escape(text[at + 1 : end])))
                at = end + 1
                continue
        link = _LINK.match(text, at)
        if link:
            links.append(link[2])
            made.append(tag("a", _spans(link[1], links), href=link[2]))
            at = link.end()
            continue
        mark = _mark(text, at)
        if mark:
            sign, name, end = mark
            made.append(tag(name, _spans(text[at + len(sign) : end], links)))
            at = end + len(sign)
            continue
        made.append(escape(text[at]))
        at += 1
    return "".join(made)


def _mark(text, at):
    """The sign at a place, its element and where it ends, or None when it does not end."""
    for sign, name in _MARKS:
        if text.startswith(sign, at):
            end = text.find(sign, at + len(sign))
            if end > at + len(sign):
                return sign, name, end
    return None
