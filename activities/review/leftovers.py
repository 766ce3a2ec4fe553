"""The rules `debug-leftover` and `test-detection`: what only serves whoever writes the fix."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from activities.review.changes import FileChange, get_dotted_name, get_line
from hydranet.objection import Objection

_PRINTS = {"print", "pprint", "pprint.pprint", "pp", "sys.stdout.write", "ic", "traceback.print_stack"}
_DEBUGGERS = {"pdb", "ipdb", "pudb", "pydevd", "debugpy", "code.interact", "breakpoint", "set_trace", "remote_pdb"}
_SCRIPT_PRINT = re.compile(r"\bconsole\.(?:log|debug|dir|trace)\s*\(")
_SCRIPT_DEBUGGER = re.compile(r"^\s*debugger\s*;?\s*$")

_RUNNERS = {"pytest", "_pytest", "py.test", "unittest", "nose", "nose2", "xdist", "hypothesis"}
_VARIABLES = re.compile(r"PYTEST_\w+|_called_from_test|TOX_\w+|UNITTEST\w*")
_STACKS = {
    "inspect.stack",
    "inspect.currentframe",
    "inspect.getouterframes",
    "sys._getframe",
    "traceback.extract_stack",
}
_STACKS |= {name.rpartition(".")[2] for name in _STACKS} - {"stack"} | {"traceback.format_stack", "format_stack"}
_TESTS = re.compile(r"(?:^|[\W_])(?:py)?tests?(?:$|[\W_])|unittest", re.IGNORECASE)


def find_leftovers(change: FileChange) -> Iterator[Objection]:
    """Yield debuggers, and prints in a file that had none."""
    old, new = _list_leftovers(change.old), _list_leftovers(change.new)
    kinds = {kind for kind, _, _ in old}
    counts = Counter(name for _, name, _ in old)
    for kind, name, node in new:
        counts[name] -= 1
        if kind not in kinds and counts[name] < 0:
            text = f"`{name}` was added, as one does to look for a bug."
            yield Objection(rule="debug-leftover", file=change.path, line=get_line(node), text=text)


def find_script_leftovers(path: str, old: str, new: str) -> Iterator[Objection]:
    """Yield debuggers and prints that a file of JavaScript or TypeScript had none of."""
    for pattern, name in ((_SCRIPT_PRINT, "console.log"), (_SCRIPT_DEBUGGER, "debugger")):
        lines = [number for number, line in enumerate(new.split("\n"), 1) if pattern.search(line)]
        if lines and not any(map(pattern.search, old.split("\n"))):
            text = f"`{name}` was added, as one does to look for a bug."
            yield Objection(rule="debug-leftover", file=path, line=lines[0], text=text)


def find_test_detection(change: FileChange) -> Iterator[Objection]:
    """Yield code that asks whether a test runs it, which refuses the fix where the file did nothing of the kind."""
    known = {text for text, _ in _list_detections(change.old)}
    for unit in change.units:
        for text, node in _list_detections(unit.new, set(unit.added)):
            refuses = not known
            yield Objection(
                rule="test-detection",
                file=change.path,
                line=get_line(node),
                text=f"It asks whether a test runs it, by {text}.",
                refuses=refuses,
            )


def _list_leftovers(tree: ast.AST) -> list[tuple[str, str, ast.AST]]:
    leftovers: list[tuple[str, str, ast.AST]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function):
                name = get_dotted_name(function)
                if name in _PRINTS and not any(keyword.arg == "file" for keyword in node.keywords):
                    leftovers.append(("print", name, node))
                elif name in _DEBUGGERS or name.partition(".")[0] in _DEBUGGERS or name.endswith(".set_trace"):
                    leftovers.append(("debugger", name, node))
            case ast.Import(names=names) if any(alias.name in _DEBUGGERS for alias in names):
                leftovers.append(("debugger", f"import {names[0].name}", node))
            case ast.ImportFrom(module=module) if module in _DEBUGGERS:
                leftovers.append(("debugger", f"from {module} import", node))
    return leftovers


def _list_detections(root: ast.AST | None, among: set[ast.AST] | None = None) -> list[tuple[str, ast.AST]]:
    """Return what asks for a test in a tree, or in those of its nodes that are `among` others."""
    if root is None:
        return []
    nodes = [node for node in ast.walk(root) if among is None or node in among]
    docstrings = {node.value for node in ast.walk(root) if isinstance(node, ast.Expr)}
    detections: list[tuple[str, ast.AST]] = []
    stacks = any(get_dotted_name(node) in _STACKS for node in ast.walk(root))
    modules = any(get_dotted_name(node) in ("sys.modules", "sys.argv") for node in ast.walk(root))
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) if node not in docstrings:
                if _VARIABLES.fullmatch(text):
                    detections.append((text, node))
                elif modules and text.partition(".")[0] in _RUNNERS:
                    detections.append((f"the module {text}", node))
                elif stacks and len(text) < 100 and _TESTS.search(text):
                    detections.append(("the names of its callers", node))
            case ast.Attribute(attr="_called_from_test"):
                detections.append(("_called_from_test", node))
    return detections
