"""After a change, linking the affected files alone gives the same edges as linking all anew."""

import random
import re

import pytest

from activities.retrieval.file_facts import FileFacts
from activities.retrieval.linking import Linker, find_affected
from hydranet.code_graph.model import Edge
from tests.unit.retrieval.trees import facts_of

PATHS: tuple[str, ...] = (
    "shop/__init__.py",
    "shop/cart.py",
    "shop/tax.py",
    "shop/deep/__init__.py",
    "shop/deep/base.py",
)
PATHS += ("app.py", "util.py", "tests/conftest.py", "tests/test_cart.py", "tests/test_app.py", "util.pyi", "web/a.ts")
PACKAGES = ("shop", "shop.cart", "shop.tax", "shop.deep", "shop.deep.base", "util", "app")
MODULES = (*PACKAGES, ".", ".cart", ".base", "..tax")
NAMES = ("Cart", "Base", "Item", "make", "total", "ready", "LIMIT")


LINES = """
from {module} import {name}
from {module} import {name} as {name}
from {module} import *
import {package}
class {name}({name}):| {name} = {name}()| def {name}(self): return self.{name}()
class {name}:| def __init__(self): self.{name} = {name}()| def __call__(self): return {name}()
class {name}({name}):| def {name}(self):|  super().{name}()|  self.{name}.{name}()
def {name}(x: {name}) -> {name}:| from {module} import {name}| {name}.{name}()
@{name}|def {name}(x):| x.{name}()| for y in {name}():|  y.{name}()
@fixture|def {name}():| yield {name}()
def test_{name}({name}):| {name}().{name}()
{name} = {name}()
__all__ = ['{name}']
@app.get('/api/{name}')|def {name}(): ...
def {name}(c):| c.get('/api/{name}')| return c['key-{name}']
@register('key-{name}')|def {name}(): ...
""".strip().split("\n")


def source(chance: random.Random) -> str:
    """A file of a few random lines, each of which may hang together with others."""
    fill = {"{name}": NAMES, "{module}": MODULES, "{package}": PACKAGES}
    lines = []
    for _ in range(chance.randrange(1, 7)):
        words = re.split(r"({\w+})", chance.choice(LINES))
        lines.append("".join(chance.choice(fill[word]) if word in fill else word for word in words))
    return "\n".join(lines).replace("|", "\n") + "\n"


def changed(tree: dict[str, str], chance: random.Random) -> dict[str, str]:
    after = dict(tree)
    for path in chance.sample(PATHS, chance.choice([1, 1, 2])):
        if path in after and chance.random() < 0.25:
            del after[path]
        elif path in after and chance.random() < 0.6:
            lines = after[path].split("\n")
            at = chance.randrange(len(lines))
            after[path] = "\n".join([*lines[:at], *source(chance).split("\n"), *lines[at:]])
        else:
            after[path] = source(chance)
    return after


def linked(facts: dict[str, FileFacts], paths: set[str] | None = None) -> dict[str, list[Edge]]:
    linker = Linker(facts)
    return {path: linker.link(path) for path in facts if paths is None or path in paths}


@pytest.mark.parametrize("seed", range(12))
def test_linking_what_is_affected_is_linking_all(seed: int) -> None:
    chance = random.Random(seed)
    tree = {path: source(chance) for path in PATHS if chance.random() < 0.8}
    facts = facts_of(tree)
    edges = linked(facts)
    for _ in range(15):
        tree = changed(tree, chance)
        after = facts_of(tree)
        again = find_affected(facts, after)
        edges = {path: edges[path] for path in after if path not in again} | linked(after, again)
        assert edges == linked(after)
        facts = after


def test_the_order_of_linking_changes_nothing() -> None:
    chance = random.Random(1)
    facts = facts_of({path: source(chance) for path in PATHS})
    backwards = Linker(facts)
    assert {path: backwards.link(path) for path in reversed(facts)} == linked(facts)


def test_a_changed_body_affects_its_own_file_alone() -> None:
    before = facts_of({"a.py": "def f(): return g()\ndef g(): ...\n", "b.py": "from a import f\nf()\n"})
    after = before | facts_of({"a.py": "def f():\n    x = 3\n    g()\n    return g()\ndef g(): ...\n"})
    assert find_affected(before, after) == {"a.py"}


def test_a_changed_name_affects_who_mentions_it() -> None:
    tree = {"a.py": "class A: ...\n", "b.py": "from a import A\nA()\n", "c.py": "def nothing(): ...\n"}
    before = facts_of(tree)
    after = before | facts_of({"a.py": "class A:\n    def __init__(self): ...\n"})
    assert find_affected(before, after) == {"a.py", "b.py"}
