"""What is found by a string alone: the server's end of a request, and what a key stands for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from activities.retrieval.languages.routes import ANY
from activities.retrieval.linking.abstract_values import ClassValue, FunctionValue
from activities.retrieval.linking.resolver import Resolver
from activities.retrieval.linking.symbol_table import SymbolTable
from hydranet.code_graph.model import EdgeKind

_FEW = 3
"""What a key may stand for; more of them say nothing."""


class StringLinks:
    """The routes and keys of all files."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._targets_of_keys: dict[str, list[str]] = {}

    def edges(self, table: SymbolTable) -> Iterable[tuple[EdgeKind, int, str, int]]:
        """Yield the kind, owner, target and line of what a file's requests and literals lead to."""
        for request in table.facts.requests:
            for target in self._served(request.path, request.method):
                yield EdgeKind.REQUESTS, request.owner, target, request.line
        for literal in table.literals:
            targets = self._known_as(literal.text)
            if len(targets) <= _FEW:
                for target in targets:
                    yield EdgeKind.REFERENCES, literal.owner, target, literal.line

    def _known_as(self, key: str) -> list[str]:
        if key.endswith(".sql"):
            return [f"{path}::" for path in self._resolver.files if path == key or path.endswith(f"/{key}")]
        if key not in self._targets_of_keys:
            matches = (
                target for expression, path in self._keys.get(key, ()) for target in self._targets(expression, path)
            )
            self._targets_of_keys[key] = list(dict.fromkeys(matches))
        return self._targets_of_keys[key]

    def _served(self, path: str, method: str) -> Iterable[str]:
        """Yield what serves a path; a route may be mounted below a prefix."""
        asked = path.split("/")
        known = self._routes.get(asked[-1], []) + (self._routes.get(ANY, []) if asked[-1] != ANY else [])
        for segments, served, target in known:
            whole = len(segments) == len(asked)
            mounted = len(asked) > len(segments) > 1
            if (whole or mounted) and (not method or not served or method == served):
                tail = asked[len(asked) - len(segments) :]
                pairs = zip(segments, tail, strict=True)
                if all(ANY in pair or pair[0] == pair[1] for pair in pairs):
                    yield target

    @cached_property
    def _routes(self) -> dict[str, list[tuple[list[str], str, str]]]:
        routes: dict[str, list[tuple[list[str], str, str]]] = {}
        for path, facts in self._resolver.files.items():
            for route in facts.routes:
                segments = route.path.split("/")
                for target in self._targets(route.expression, path):
                    routes.setdefault(segments[-1], []).append((segments, route.method, target))
        return routes

    @cached_property
    def _keys(self) -> dict[str, list[tuple[str, str]]]:
        """The expressions that are known under a string, each with the file that it stands in."""
        keys: dict[str, list[tuple[str, str]]] = {}
        for path, facts in self._resolver.files.items():
            for key in facts.keys:
                keys.setdefault(key.text, []).append((key.expression, path))
        return keys

    def _targets(self, expression: str, path: str) -> list[str]:
        values = self._resolver.values(expression, path, None)
        return [
            self._resolver.table(value.path).ids[value.number]
            for value in values
            if isinstance(value, ClassValue | FunctionValue)
        ]
