"""A file says its nodes, whatever is in it."""

import gc
import hashlib
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.retrieval.file_facts import FileFacts
from activities.retrieval.languages import SUFFIXES, parse_file
from activities.retrieval.linking import Linker
from hydranet.code_graph.model import Node, NodeKind

SOURCE = '''
"""A shop."""

import os

RATE = 0.19


@register("cart")
class Cart(Base):
    """What a customer buys.

    And pays.
    """

    @property
    def total(self) -> int:
        def add(a, b):
            return a + b

        return add(1, 2)

    @total.setter
    def total(self, value): ...


if RATE:
    async def pay(cart: "Cart",
                  card=None): ...
'''


def parsed(source: str | bytes, path: str = "a.py") -> FileFacts:
    facts = parse_file(path, source if isinstance(source, bytes) else source.encode())
    assert facts is not None
    return facts


def nodes(source: str | bytes) -> list[Node]:
    return parsed(source).nodes("a.py")


def test_nodes_have_kind_lines_signature_and_docstring() -> None:
    found = {node.name: node for node in nodes(SOURCE)}
    assert {name: (node.kind, node.first, node.last) for name, node in found.items()} == {
        "": (NodeKind.MODULE, 1, 29),
        "<block>": (NodeKind.BLOCK, 6, 29),
        "Cart": (NodeKind.CLASS, 9, 24),
        "Cart.total": (NodeKind.METHOD, 16, 21),
        "Cart.total#2": (NodeKind.METHOD, 23, 24),
        "pay": (NodeKind.FUNCTION, 28, 29),
    }
    assert found[""].docstring == "A shop."
    assert found["Cart"].docstring == "What a customer buys.\n\nAnd pays."
    assert found["Cart"].signature == "class Cart(Base):"
    assert found["pay"].signature == 'async def pay(cart: "Cart", card=None):'
    assert found["Cart.total"].id == "a.py::Cart.total"


def test_a_digest_is_that_of_the_lines() -> None:
    node = next(node for node in nodes(SOURCE) if node.name == "Cart.total#2")
    lines = SOURCE.split("\n")[node.first - 1 : node.last]
    assert node.digest == hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_what_is_defined_inside_of_a_function_belongs_to_it() -> None:
    assert "add" not in " ".join(node.name for node in nodes(SOURCE))


def test_an_overload_leaves_the_name_to_its_implementation() -> None:
    source = "@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\ndef f(a): return a\n"
    assert [(node.name, node.first) for node in nodes(source)[1:]] == [("f#2", 1), ("f#3", 3), ("f", 5)]


def test_a_syntax_error_costs_its_own_lines_alone() -> None:
    source = "def before(): ...\n\ndef broken():\n    x = = 1\n\n\nclass After:\n    def method(self): ...\n"
    assert {"before", "After", "After.method"} <= {node.name for node in nodes(source)}


def test_facts_know_nothing_of_their_path_and_survive_the_store() -> None:
    facts = parsed(SOURCE)
    assert facts == parsed(SOURCE, "other/b.py")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts) == facts


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (SOURCE.replace("return a + b", "return b + a"), True),
        (SOURCE.replace("A shop.", "The shop."), True),
        ("# A comment.\n" + SOURCE, True),
        (SOURCE.replace("-> int", "-> Price"), False),
        (SOURCE.replace("(Base)", "(Other)"), False),
        (SOURCE.replace("def pay", "def buy"), False),
        (SOURCE.replace("import os", "import sys"), False),
        (SOURCE.replace("RATE = 0.19", "RATE = Rate()"), False),
    ],
)
def test_the_interface_is_what_others_may_read(changed: str, same: bool) -> None:
    assert (parsed(SOURCE).interface == parsed(changed).interface) is same


def test_no_language_takes_what_is_no_source() -> None:
    assert parse_file("a.txt", b"x") is None
    assert {".py", ".pyi", ".ts", ".tsx"} <= SUFFIXES


def test_an_empty_file_is_a_module() -> None:
    assert [(node.name, node.first, node.last) for node in nodes("")] == [("", 1, 1)]


HOSTILE = {
    "deep parentheses": b"x = " + b"(" * 5000 + b")" * 5000,
    "deep calls": b"f(" * 5000 + b")" * 5000,
    "a long chain": b"x" + b".a()" * 5000,
    "a long sum": b"x = " + b"a + " * 5000 + b"a",
    "deep functions": b"".join(b" " * i + b"def f%d():\n" % i for i in range(500)) + b" " * 500 + b"pass",
    "deep classes": b"".join(b" " * i + b"class A%d:\n" % i for i in range(500)) + b" " * 500 + b"pass",
    "invalid UTF-8": b"def caf\xe9():\n    '''\xff\xfe'''\n    return \xc3.x()\n",
    "NUL": b"def f():\n    '''a\0b'''\n    x = 'c\0d'\n",
    "a long name": b"def " + b"a" * 100_000 + b"(): ...",
    "a huge line": b"x = [" + b"f(1), " * 10_000 + b"]",
    "no code": bytes(range(256)) * 20,
    "cyclic bases": b"class A(B): ...\nclass B(C): ...\nclass C(A):\n    def f(self): return self.g()\n",
    "cyclic values": b"a = b\nb = c\nc = a\na.f()\ndef g(): return h()\ndef h(): return g()\ng().x().y()\n",
    "a doubling": b"x0 = f()\n" + b"".join(b"x%d = x%d.a or x%d.b or x%d()\n" % (i + 1, i, i, i) for i in range(60)),
    "crossed unions": b"".join(
        b"def f%d(): return f%d() or f%d().a or f%d()\n" % (i, (i * 7 + 1) % 40, (i * 3 + 2) % 40, (i + 1) % 40)
        for i in range(40)
    ),
    "empty parts": b"@\ndef f(): ...\nclass (A): ...\nfrom . import\nimport\nx: \nfor in x: pass\n(:= 3)\n",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("path", ["a.py", "a.tsx"])
def test_hostile_content_is_read_and_linked_in_bounded_time(name: str, path: str) -> None:
    start = time.process_time()
    facts = parsed(HOSTILE[name], path)
    found = facts.nodes(path)
    edges = Linker({path: facts}).link(path)
    assert time.process_time() - start < 20
    assert found[0].kind is NodeKind.MODULE
    assert "\0" not in "".join(f"{node.name}{node.signature}{node.docstring}" for node in found)
    assert all(len(edge.target) < 2000 for edge in edges)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([*SOURCE.split(" "), "\n", "(", ")", ":", "'", "@", "*", "\\", "lambda"]), max_size=60))
def test_any_text_is_read(words: list[str]) -> None:
    facts = parsed(" ".join(words))
    Linker({"a.py": facts}).link("a.py")
    assert all(1 <= node.first <= node.last for node in facts.nodes("a.py"))


@pytest.mark.parametrize("path", ["a.py", "a.ts"])
def test_reading_leaves_nothing_to_the_garbage_collector(path: str) -> None:
    gc.collect()
    gc.disable()
    try:
        parse_file(
            path, b"class A {\n}\n" if path == "a.ts" else b"class A:\n    def f(self):\n        return lambda: 1\n"
        )
        assert gc.collect() == 0
    finally:
        gc.enable()
