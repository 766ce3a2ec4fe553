"""Which files hang together differently after a change.

A change is followed by names: what is said in terms of a changed name is changed as well, and a file is linked again
when it mentions one. A name too many costs a file linked in vain; none may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping

import msgspec

from activities.code.test_files import stem, subject
from activities.retrieval.file_facts import MODULE, FileFacts

_MOST_NAMES = 200
"""Changed names above which every file is linked again."""
_ALL_NAMES = "*"
"""The name of what `import *` makes known."""
_ROUTES = "/"
"""The name of all routes."""
_IMPLICIT = frozenset({"__init__", "__new__", "__call__", "__iter__", "__getitem__", "__enter__", "__aenter__"})
"""Methods that code uses without their names."""

_encode = msgspec.msgpack.Encoder().encode
_WORD = re.compile(r"\w+")

Entry = tuple[str, Hashable, tuple[str, ...]]
"""A name that other files may look up, what is said of it, and the expressions in that."""


def find_affected(before: Mapping[str, FileFacts], after: Mapping[str, FileFacts]) -> set[str]:
    """Return the paths of `after` whose edges may differ from those they had in `before`."""
    everything = set(after)
    changed = {path for path in after if path not in before or before[path] != after[path]}
    moved = before.keys() ^ after.keys()
    deep = moved | {path for path in changed - moved if before[path].interface != after[path].interface}
    if not deep:
        return changed
    if any(stem(path) == "__init__" for path in moved):
        return everything
    names = {word for path in moved for word in _WORD.findall(path)}
    for path in deep:
        old, new = (set(_entries(files[path])) if path in files else set() for files in (before, after))
        names |= {name for name, _, _ in old ^ new if name != _ALL_NAMES or path not in moved}
    words = {path: _words_of(facts) for path, facts in after.items()}
    _follow(names, words, after)
    if _ALL_NAMES in names or len(names) > _MOST_NAMES:
        return everything
    finder = _Finder(names)
    return changed | {
        path
        for path, facts in after.items()
        if subject(path) in names or (_ROUTES in names and facts.requests) or finder.any_in(words[path])
    }


def _follow(names: set[str], words: Mapping[str, bytes], files: Mapping[str, FileFacts]) -> None:
    """Add the names of what is said in terms of the names."""
    new = set(names)
    while new and len(names) <= _MOST_NAMES:
        matches = _Finder(new)
        mentioning = (files[path] for path, content in words.items() if matches.any_in(content))
        entries = (entry for facts in mentioning for entry in _entries(facts))
        reached = {name for name, _, texts in entries if new & {word for each in texts for word in _WORD.findall(each)}}
        new = reached - names
        names |= new


def _entries(facts: FileFacts) -> Iterator[Entry]:
    definitions = facts.definitions
    imports = [(item.module, item.name) for item in facts.imports]
    for definition in definitions:
        owner = definitions[definition.owner].name if definition.owner != MODULE else ""
        entries = (*definition.bases, *definition.decorators, *definition.returns)
        what = (owner, definition.name, definition.kind, entries, _imported(entries, imports))
        yield definition.own_name, what, entries
        if definition.own_name in _IMPLICIT and owner:
            yield definitions[definition.owner].own_name, what, entries
    for variable in facts.variables:
        owner = definitions[variable.owner].name if variable.owner != MODULE else ""
        yield variable.name, (owner, variable.values, _imported(variable.values, imports)), variable.values
    for needed in facts.imports:
        if needed.alias:
            yield needed.alias, (needed.module, needed.name), (needed.module, needed.name)
    for name in facts.exports or ():
        yield name, "exported", ()
    yield _ALL_NAMES, facts.exports is None, ()
    for key in facts.keys:
        yield key.text, key.expression, (key.expression,)
    for route in facts.routes:
        yield _ROUTES, route, (route.expression,)


def _imported(texts: Iterable[str], imports: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    heads = (each.partition(".")[0].rstrip("()[]#*%") for each in texts if each[:1] == "@")
    return tuple(imports[int(head[1:])] for head in heads)


def _words_of(facts: FileFacts) -> bytes:
    """Everything that the resolution of the file starts from."""
    spoken = (facts.definitions, facts.imports, facts.variables, facts.keys, facts.routes)
    return _encode(spoken) + facts.packed


class _Finder:
    """Finds names in encoded facts, as whole words.

    In the encoding no letter stands beside a string but the length before one of 32 bytes or more.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = [
            (name.encode(), re.compile(rb"(?:(?<!\w)|(?<=\xd9.))" + re.escape(name.encode()) + rb"(?!\w)", re.DOTALL))
            for name in names
        ]

    def any_in(self, content: bytes) -> bool:
        """Return whether one of the names is in the content."""
        return any(name in content and pattern.search(content) for name, pattern in self._names)
