"""What one file says by itself: definitions, imports, bound names, and the expressions it uses.

Facts know nothing of other files and not even their own path, so that equal contents have equal facts.

An expression is a string in postfix, so that its meaning is found from the right: a name, then any of `.name`,
`()` (called; of a class an instance), `[]` (an element by key), `#` (an element by iteration), `*` (a sequence of)
and `%` (a mapping to). `x: list[Cart]` binds x to "Cart()*", and `x[0].total()` calls "Cart()*[].total". Local
variables are replaced by what they were bound to, so a head is a name of the module, `self`, `cls`, `super`, "@3"
for import number 3, or empty when nothing is known of it.
"""

from __future__ import annotations

import hashlib

import msgspec

from hydranet.code_graph.model import Node, NodeKind

MODULE = -1
"""The owner of what stands at the level of the module."""

BESIDE = (".setter", ".deleter", ".getter", ".register", "overload")
"""The ends of the decorators of what stands beside the definition that a name means."""


class DefinitionFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A class, function or method; `owner` is the number of its class, or MODULE.

    A second definition of the same qualified name is called "Cart.total#2". `returns` are the expressions of what
    a call gives, annotated or plain to see.
    """

    name: str
    kind: NodeKind
    owner: int
    first: int
    last: int
    signature: str
    docstring: str
    digest: str
    parameters: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()

    @property
    def own_name(self) -> str:
        """The name without what it is defined in, and without its number."""
        return self.name[self.name.rfind(".") + 1 :].partition("#")[0]


class ImportFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`name` of `module` is known as `alias`; `name` is empty for the module itself, "*" for all its names.

    `module` is as written, leading dots included. `alias` is empty for an import inside of a function, which
    expressions call by its number. `owner` is the definition that it stands in.
    """

    owner: int
    line: int
    module: str
    name: str
    alias: str


class Variable(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name that the module, or the class `owner` or its instances, bind to the values of expressions."""

    owner: int
    name: str
    values: tuple[str, ...]


class Use(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An expression that the definition `owner` (MODULE for the block) calls, or only names."""

    owner: int
    line: int
    expression: str
    called: bool


class Key(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A string under which something is known: an entry of a registry, a table, a named route."""

    text: str
    expression: str


class Literal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A string in the code of the definition `owner` that may be a key."""

    owner: int
    line: int
    text: str


class Route(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A path of HTTP that `expression` serves; `method` is upper case, empty for any."""

    path: str
    method: str
    expression: str


class Request(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A path of HTTP that the definition `owner` asks for; `method` is upper case, empty for any."""

    owner: int
    path: str
    method: str
    line: int


class Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a file's own edges are made of, and no other file's."""

    uses: tuple[Use, ...] = ()
    literals: tuple[Literal, ...] = ()


class FileFacts(msgspec.Struct, frozen=True, array_like=True):
    """The facts of one file.

    `module` is the file as a whole and `block` its code outside of definitions. `exports` is `__all__`. `packed` is
    the Body in MessagePack, which linking other files need not read. `interface` is the digest of everything that
    another file's resolution may read of this one.
    """

    language: str
    module: DefinitionFact
    block: DefinitionFact | None
    definitions: tuple[DefinitionFact, ...]
    imports: tuple[ImportFact, ...]
    variables: tuple[Variable, ...]
    exports: tuple[str, ...] | None
    keys: tuple[Key, ...]
    routes: tuple[Route, ...]
    requests: tuple[Request, ...]
    packed: bytes
    interface: str

    def nodes(self, path: str) -> list[Node]:
        """Return the nodes of the file at `path` in its order, the module first."""
        inner = sorted([*([self.block] if self.block else []), *self.definitions], key=lambda item: item.first)
        return [
            Node(path, item.name, item.kind, item.first, item.last, item.signature, item.docstring, item.digest)
            for item in (self.module, *inner)
        ]

    def body(self) -> Body:
        """Return what the file's own edges are made of."""
        return _BODY.decode(self.packed)


_BODY = msgspec.msgpack.Decoder(Body)
_ENCODER = msgspec.msgpack.Encoder()


def pack_facts(body: Body) -> bytes:
    """Return the body as `FileFacts.packed`."""
    return _ENCODER.encode(body)


def digest_content(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
