"""Anchors for headings."""

import re


def slug(text):
    """Lower-case words joined by hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "section"


class Anchors:
    """Slugs that are all different: the second `notes` becomes `notes-2`."""

    def __init__(self):
        self._given = {}

    def anchor(self, text):
        name = slug(text)
        number = self._given.get(name, 0) + 1
        self._given[name] = number
        if number == 1:
            return name
        numbered = f"{name}-{number}"
        self._given[numbered] = 1
        return numbered
