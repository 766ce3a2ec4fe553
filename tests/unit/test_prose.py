"""How functions are described and locals are named, by the rules of CONTRIBUTING."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("hydranet", "activities", "workflows", "workers", "hydra_cli")
NOMINAL = {"A", "An", "How", "That", "The", "What", "Where", "Whether", "Who"}
# They say that something is there, not what it is.
EMPTY_NAMES = {"found", "made", "one", "said", "told"}


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield path, node


def local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, int]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_functions_are_described_by_what_they_do() -> None:
    docstrings = [ast.get_docstring(function) for _, function in functions() if not is_property(function)]
    first_words = [text.split()[0].rstrip(",;:") for text in docstrings if text]
    assert sum(word in NOMINAL for word in first_words) < 0.1 * len(first_words)


def test_locals_are_called_by_what_they_are() -> None:
    places = {
        f"{path.relative_to(ROOT)}:{line}"
        for path, function in functions()
        for name, line in local_names(function)
        if name in EMPTY_NAMES
    }
    assert places == set()
