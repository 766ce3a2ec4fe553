"""The code graph: what stands in a repository's code, and how it hangs together."""

from enum import StrEnum
from typing import NamedTuple


class NodeKind(StrEnum):
    """What a node is; a block is a module's code outside of its definitions."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    METHOD = "method"
    BLOCK = "block"
    TABLE = "table"
    COLUMN = "column"
    CONSTRAINT = "constraint"


class EdgeKind(StrEnum):
    """How its source hangs together with its target, read as a sentence: source calls target.

    An edge lies where it is written: of a decorator the source is what is decorated, "is decorated by".
    """

    CONTAINS = "contains"
    IMPORTS = "imports"
    CALLS = "calls"
    INHERITS = "inherits"
    OVERRIDES = "overrides"
    DECORATES = "decorates"
    REFERENCES = "references"
    TESTS = "tests"
    REQUESTS = "requests"


class Resolution(StrEnum):
    """By what an edge's target was found."""

    SYNTAX = "syntax"
    """It stands there: a class contains its method."""
    SCOPE = "scope"
    """A name of the same file."""
    IMPORT = "import"
    """A name that was imported, through re-exports."""
    SELF = "self"
    """An attribute of `self`, `cls` or `super()`, looked up along the bases."""
    TYPE = "type"
    """An attribute of a value whose type is plain: annotated, or made by a constructor."""
    NAME = "name"
    """The name alone, which few definitions bear."""
    LITERAL = "literal"
    """A string literal: a route, a table, a key."""
    UNRESOLVED = "unresolved"
    """Nothing of the repository was found; the target is the bare name."""


class Node(NamedTuple):
    """One piece of code.

    `name` is qualified within the file ("Cart.total"; empty for the module, "<block>" for its block);
    `first` and `last` are 1-based inclusive lines, decorators included; `signature` is the line a
    reader would quote; `digest` is the SHA-256 of the lines, in hexadecimal.
    """

    path: str
    name: str
    kind: NodeKind
    first: int
    last: int
    signature: str
    docstring: str
    digest: str

    @property
    def id(self) -> str:
        """What edges call the node: "shop/cart.py::Cart.total", "shop/cart.py::" for the module."""
        return format_node_id(self.path, self.name)


class Edge(NamedTuple):
    """A typed, directed edge between two node ids; `line` is where the source says so.

    `confidence`, 0 to 1, is how often edges that were resolved so are right.
    """

    kind: EdgeKind
    source: str
    target: str
    line: int
    resolution: Resolution
    confidence: float


def format_node_id(path: str, name: str) -> str:
    """Return the id of the node `name` of the file `path`."""
    return f"{path}::{name}"
