"""What a model is asked when no test fails: a test that reproduces the issue, like those beside the likely code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import TYPE_CHECKING

from activities.code.drafts import Definitions, DraftError, read_drafts
from activities.code.test_files import is_test_file
from activities.inference.edits.blocks import parse_blocks
from activities.inference.packing import pack_places
from hydranet.contracts import Expectation, Place
from hydranet.text.escaping import fence
from hydranet.text.truncation import keep_first_lines

if TYPE_CHECKING:
    from activities.inference.prompt_context import PromptContext

# What the question shows, in characters: a small model reads a page.
_ISSUE_CHARACTERS, _CODE_CHARACTERS, _OUTLINE_CHARACTERS = 1000, 900, 700

DRAWS = 5
"""How many tests a model is asked for: two of them have to agree."""

TEST_FILES = 30
"""How many files of tests are read for the example."""

_EXAMPLE_CHARACTERS = 800
_PLACES = 12
_CALLS = 4
_NAME = re.compile(r"[A-Za-z_]\w+")
_WORD = re.compile(r"[A-Za-z_]\w{3,}")


@dataclass(frozen=True)
class Example:
    """Tests to be like: the code to show, and the definitions that a draft may use."""

    code: str
    helpers: Definitions


def build_values(view: PromptContext, example: Example) -> dict[str, str]:
    """Return the values of the prompt "reproduce": the likeliest places, the tests to be like, and the issue."""
    places = [place for place in view.places if place.symbol and not is_test_file(place.file)]
    snippets = [snippet for snippet in pack_places(places, view.sources, _CODE_CHARACTERS) if snippet.place.symbol]
    return {
        "code": "\n\n".join(f"{snippet.place.file}:\n{fence(snippet.code, 'python')}" for snippet in snippets),
        "outline": fence("\n".join(_list_outline(view, places)), "python"),
        "example": example.code,
        "calls": " or ".join(f"`{place.symbol}`" for place in places[:_CALLS]) or "the code",
        "issue": fence(keep_first_lines(view.issue.strip(), _ISSUE_CHARACTERS)),
    }


def _list_outline(view: PromptContext, places: Sequence[Place]) -> Iterator[str]:
    """Yield the heads of what a test may need, as far as there is room: a model guesses them wrong.

    Those come first that the likeliest places take, by their annotations or the names of their parameters.
    """
    files = dict.fromkeys([*(place.file for place in places), *view.sources])
    heads = {
        node.name: _outline(node)
        for path in files
        if not is_test_file(path)
        for node in _parse(view.sources.get(path, "")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    symbols = [place.symbol.partition(".")[0] for place in places]
    likely = "\n".join(heads.get(symbol, "") for symbol in symbols[:_CALLS])
    taken = {word.lower() for word in _NAME.findall(likely)}
    classes = [name for name, head in heads.items() if head.startswith("class") and name.lower() in taken]
    left = _OUTLINE_CHARACTERS
    for name in dict.fromkeys([*symbols[:_CALLS], *classes, *symbols, *heads]):
        head = heads.get(name, "")
        if head and len(head) <= left:
            left -= len(head)
            yield head


def _outline(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name, args=arguments) if not name.startswith("_"):
            return f"def {name}({ast.unparse(arguments)})"
        case ast.ClassDef(name=name, body=body):
            fields = [ast.unparse(inner) for inner in body if isinstance(inner, ast.AnnAssign)]
            methods = [inner for inner in body if isinstance(inner, ast.FunctionDef)]
            heads = [
                f"    def {method.name}({ast.unparse(method.args)})"
                for method in methods
                if not method.name.startswith("_") or method.name == "__init__"
            ]
            return "\n".join([f"class {name}:", *(f"    {field}" for field in fields), *heads])
    return ""


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def list_test_files(paths: Iterable[str]) -> list[str]:
    """Return the Python files of tests, those that pytest collects first."""
    tests = [path for path in paths if path.endswith(".py") and is_test_file(path)]
    return sorted(tests, key=lambda path: (not basename(path).startswith("test"), path))


def choose_temperature(draw: int) -> float:
    """Return how hot a draw is: the first is what the model holds for likeliest."""
    return round(min(0.2 + 0.25 * draw, 1.0), 2)


def choose_example(view: PromptContext) -> Example:
    """Return the tests that use most of the likely places and of the issue's words; an empty one without any."""
    weights: dict[str, float] = {}
    for rank, place in enumerate(view.places[:_PLACES], 1):
        for name in place.symbol.split("."):
            weights[name] = max(weights.get(name, 0.0), 1 / rank)
    for word in _WORD.findall(view.issue):
        weights[word.lower()] = max(weights.get(word.lower(), 0.0), 0.2)
    tests = [
        (_weigh(node, weights), path, node)
        for path in list_test_files(view.sources)
        if basename(path) != "conftest.py"
        for node in _list_tests(view.sources[path])
    ]
    # What a module is called in the code, as in `import datetime as dt`.
    code = [source for name, source in view.sources.items() if not is_test_file(name)]
    if not tests:
        return Example("", Definitions.read((), code))
    _, path, _ = max(tests, key=lambda test: test[0])
    source = view.sources[path]
    own = [node for _, other, node in sorted(tests, key=lambda test: -test[0]) if other == path]
    above = [name for name in view.sources if basename(name) == "conftest.py" and path.startswith(dirname(name))]
    helpers = Definitions.read([*(view.sources[name] for name in sorted(above)), source], code)
    return Example(_show(source, own), helpers)


def _list_tests(source: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            yield node


def _weigh(test: ast.FunctionDef, weights: dict[str, float]) -> float:
    names = {inner.id for inner in ast.walk(test) if isinstance(inner, ast.Name)}
    names |= {inner.attr for inner in ast.walk(test) if isinstance(inner, ast.Attribute)}
    words = {word.lower() for word in _WORD.findall(ast.unparse(test).replace("_", " "))}
    return sum(weights.get(name, 0.0) for name in names | words)


def _show(source: str, tests: list[ast.FunctionDef]) -> str:
    """Return the head of a file of tests, and as many of its tests as there is room for, the best always."""
    lines = source.split("\n")
    first = min(test.lineno - len(test.decorator_list) for test in tests)
    head = "\n".join(lines[: first - 1]).strip()
    parts, left = [head], _EXAMPLE_CHARACTERS - len(head)
    for number, test in enumerate(tests):
        text = ast.unparse(_Masked().visit(test))
        if number and len(text) > left:
            break
        parts.append(text)
        left -= len(text)
    return fence("\n\n\n".join(filter(None, parts)), "python")


class _Masked(ast.NodeTransformer):
    """Leaves out the numbers in the asserts of a test: a small model repeats them in place of the report's."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        return ast.Assert(_MaskedAssert().visit(node.test))


class _MaskedAssert(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(...) if isinstance(node.value, int | float) else node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        expected = [ast.Constant(...) if _is_plain(value) else self.visit(value) for value in node.comparators]
        return ast.Compare(self.visit(node.left), node.ops, expected)


def _is_plain(value: ast.expr) -> bool:
    return all(isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.Load) for node in ast.walk(value))


def read_answer(answer: str, helpers: Definitions, source: str) -> list[Expectation]:
    """Return the drafts in a model's answer; DraftError where it has none that can be used."""
    blocks = [block.code for block in parse_blocks(answer) if "def test" in block.code or "assert" in block.code]
    if not blocks:
        raise DraftError("it has no test function")
    return read_drafts(min(blocks, key=lambda code: "def test" not in code), helpers, source)
