"""Documents that are made of others: `{{name}}` stands for the document of that name."""

import re

_INCLUDE = re.compile(r"\{\{(\w+)\}\}")


class NoSuchDocument(KeyError):
    pass


class Circular(Exception):
    """A document that is part of itself."""


class Library:
    """The texts as they are written; `source` is what a stack makes documents with."""

    def __init__(self, texts, seconds=None):
        self._texts = dict(texts)
        self._seconds = seconds

    def write(self, name, text):
        self._texts[name] = text

    def parts(self, name):
        """The names that a document includes itself, in order, each once."""
        if name not in self._texts:
            raise NoSuchDocument(name)
        return list(dict.fromkeys(_INCLUDE.findall(self._texts[name])))

    def render(self, name, outer=()):
        """The text of a document with all that it includes."""
        if name in outer:
            raise Circular(" in ".join([name, *reversed(outer)]))
        text = self._texts[name]
        for part in self.parts(name):
            text = text.replace("{{" + part + "}}", self.render(part, (*outer, name)))
        return text

    def depends(self, name, seen=None):
        """All documents that a document is made of, itself included."""
        seen = set() if seen is None else seen
        if name not in seen:
            seen.add(name)
            for part in self.parts(name):
                self.depends(part, seen)
        return seen

    def source(self, name):
        return self.render(name), self._seconds, self.depends(name)
