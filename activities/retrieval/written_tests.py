"""Tests written of expectations: their names are found in the code graph, their place is that of the other tests."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
from collections import Counter
from collections.abc import Collection
from difflib import get_close_matches
from posixpath import basename, dirname, join
from typing import TYPE_CHECKING, NamedTuple

from activities.artifacts.store import get_text, put_text
from activities.code.expectations import list_free_names
from activities.code.issue_examples import find_examples
from activities.code.test_files import is_test_file
from activities.code.test_writer import TestStyle, WrittenFile, write_tests
from activities.retrieval.index import Index
from hydranet.contracts.expectations import Expectation, WriteTestsRequest, WrittenTest, WrittenTests
from hydranet.errors import FatalError
from hydranet.patches import make_diff
from hydranet.strategy import slugify
from hydranet.text.formatting import join_words

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.retrieval.search_cache import Searches

# Where packages may lie that the tests import from the top.
_ROOTS = ("src", "lib", "python")
_SLUG = 40
# What tests may use wherever they run.
_TOOLS = ("pytest",)


async def write_expected_tests(
    request: WriteTestsRequest, artifacts: ArtifactStore, objects: GitObjects, searches: Searches
) -> WrittenTests:
    """Return a diff that adds tests of the expectations; FatalError for a name that cannot be found."""
    search = await searches.open(objects, request.snapshot, request.checkpoint, request.repository_path)
    paths = await objects.files(request.snapshot, request.checkpoint)
    place = choose_place(request.title, paths, request.folder, request.test_command)
    if not request.expectations and request.issue is not None:
        issue = await get_text(artifacts, request.issue)
        request = await asyncio.to_thread(_add_examples, request, issue, search.index)
    left_out: list[str] = []
    if request.drafted:
        request, left_out = await asyncio.to_thread(settle_drafts, request, search.index)
    if not request.expectations:
        file = join(place.folder, place.name)
        return WrittenTests(diff=None, file=file, tests=(), of_issue=True, left_out=tuple(left_out))
    imports = await asyncio.to_thread(find_imports, request, search.index)
    written = write_tests(request.title, place.slug, request.expectations, imports, place.style)
    return WrittenTests(
        diff=await put_text(artifacts, _make_diff(place.folder, place.name, written)),
        file=join(place.folder, place.name),
        tests=tuple(
            WrittenTest(name=name, expectation=expectation)
            for name, expectation in zip(written.names, request.expectations, strict=True)
        ),
        of_issue=request.issue is not None,
        drafted=request.drafted,
        left_out=tuple(left_out),
    )


def _add_examples(request: WriteTestsRequest, issue: str, index: Index) -> WriteTestsRequest:
    """Return the request with the examples of the issue whose names are in the repository."""
    names = _Names(index, request.folder)
    usable: list[Expectation] = []
    for example in find_examples(issue):
        # What the issue imports may have moved since: the names are found anew.
        for wish in (_drop_imports(example), example):
            if all(len(names.find(name)) == 1 for name in list_free_names(wish)) and _calls_repository(wish, index):
                usable.append(wish)
                break
    return request.model_copy(update={"expectations": tuple(usable)})


def _drop_imports(wish: Expectation) -> Expectation:
    tree = ast.parse(wish.setup)
    kept = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return wish.model_copy(update={"setup": ast.unparse(ast.Module(kept, []))})


def _calls_repository(wish: Expectation, index: Index) -> bool:
    """Return whether an example has something to do with the repository: `len([1]) == 2` has not."""
    names = re.findall(r"[A-Za-z_]\w*", f"{wish.setup} {wish.code}")
    return any(not is_test_file(index.nodes[node].path) for name in names for node in index.named.get(name, ()))


def settle_drafts(request: WriteTestsRequest, index: Index) -> tuple[WriteTestsRequest, list[str]]:
    """Return the request with the drafts whose names are all known, and why the others are left out."""
    names = _Names(index, request.folder)
    settled: list[Expectation] = []
    left_out: list[str] = []
    for wish in request.expectations:
        wish = _correct_imports(wish, names)
        unknown = [name for name in list_free_names(wish) if len(names.find(name)) != 1]
        if unknown:
            left_out.append(f"{wish.source}: {names.explain(unknown[0])}")
        else:
            settled.append(wish)
    return request.model_copy(update={"expectations": tuple(settled)}), left_out


def _correct_imports(wish: Expectation, names: _Names) -> Expectation:
    """Return a draft without the imports that name a wrong module of the repository: they are found anew."""
    kept: list[ast.stmt] = []
    for node in ast.parse(wish.setup).body:
        match node:
            case ast.Import(names=[ast.alias(name=module)]):
                is_wrong = names.is_own(module) and not names.is_module(module)
            case ast.ImportFrom(module=module, names=[ast.alias(name=name, asname=asname)], level=level):
                is_wrong = bool(level) or (names.is_own(module or "") and not names.has(module or "", name))
                is_wrong = is_wrong and len(names.find(asname or name)) == 1
            case _:
                is_wrong = False
        kept += [] if is_wrong else [node]
    return wish.model_copy(update={"setup": ast.unparse(ast.Module(kept, []))})


def find_imports(request: WriteTestsRequest, index: Index) -> list[str]:
    """Return the lines that import what the expectations name; FatalError for a name that is unknown or ambiguous."""
    names = _Names(index, request.folder)
    imports: list[str] = []
    for wish in request.expectations:
        for name in list_free_names(wish):
            lines = names.find(name)
            if len(lines) != 1:
                raise FatalError(f"{wish.source}: {names.explain(name)}")
            imports += lines
    return list(dict.fromkeys(imports))


class _Names:
    """The names that tests which run in `folder` may import."""

    def __init__(self, index: Index, folder: str) -> None:
        self._index = index
        self._folder = folder
        self._modules = {self._name_module(path): path for path in index.paths if path.endswith(".py")}

    def find(self, dotted: str) -> list[str]:
        """Return the lines that import a name: one for each place that it may mean."""
        parts = dotted.split(".")
        first, is_dotted = parts[0], len(parts) > 1
        if is_dotted:
            prefixes = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
            if module := next((prefix for prefix in prefixes if prefix in self._modules), ""):
                return [f"import {module}"]
            short = [
                name
                for name, path in self._modules.items()
                if name.rpartition(".")[2] == first and not is_test_file(path)
            ]
            if len(short) == 1:
                above = short[0].rpartition(".")[0]
                return [f"from {above} import {first}" if above else f"import {first}"]
        if files := self._list_files(first):
            return [f"from {self._name_module(path)} import {first}" for path in files]
        return [f"import {first}"] if first in sys.stdlib_module_names or first in _TOOLS else []

    def is_own(self, module: str) -> bool:
        """Return whether a module would be one of the repository's, if it were there."""
        top = module.partition(".")[0]
        return any(name == top or name.startswith(f"{top}.") for name in self._modules)

    def is_module(self, module: str) -> bool:
        """Return whether the repository has a module or a package of that name."""
        return any(name == module or name.startswith(f"{module}.") for name in self._modules)

    def has(self, module: str, name: str) -> bool:
        """Return whether a module of the repository defines a name."""
        path = self._modules.get(module, "")
        return path in self._list_files(name) or self.is_module(f"{module}.{name}")

    def explain(self, dotted: str) -> str:
        """Return why a name cannot be imported, and what to write instead."""
        first = dotted.partition(".")[0]
        if files := self._list_files(first):
            choice = f"{self._name_module(files[0])}.{first}"
            return f"{first} is in {join_words(files)}. Write which one, as in {choice}."
        nodes = self._index.nodes
        known = {node.name for node in nodes if node.name and "." not in node.name and not is_test_file(node.path)}
        near = get_close_matches(first, sorted(known), 3)
        hint = f"did you mean {join_words(near)}?" if near else "name a function, a class or a module of it."
        return f"{first} is nowhere in the repository: {hint}"

    def _list_files(self, name: str) -> list[str]:
        nodes = (self._index.nodes[number] for number in self._index.named.get(name, []))
        return sorted({node.path for node in nodes if node.name == name and not is_test_file(node.path)})

    def _name_module(self, path: str) -> str:
        return name_module(path, self._index.of_path, self._folder)


def name_module(path: str, paths: Collection[str], folder: str = "") -> str:
    """Return the name by which tests that run in `folder` import a file."""
    root = dirname(path)
    while root and f"{root}/__init__.py" in paths:
        root = dirname(root)
    tops = [folder, *(join(folder, name) for name in _ROOTS)]
    if root not in tops:
        # Without an __init__.py a folder is a package all the same, from a place where Python looks.
        root = max((top for top in tops if not top or root.startswith(f"{top}/")), key=len, default="")
    inner = path.removeprefix(f"{root}/" if root else "").removesuffix(".py")
    return inner.replace("/", ".").removesuffix(".__init__")


class Placement(NamedTuple):
    """Where a test file goes, what it is called, and how it is written."""

    folder: str
    name: str
    slug: str
    style: TestStyle


def choose_place(title: str, paths: Collection[str], folder: str, command: str) -> Placement:
    """Return the place of a new test: where most tests are that the command runs."""
    words = [join(folder, word.partition("::")[0].rstrip("/")) for word in command.split()]
    named = [word for word in words if word in paths and word.endswith(".py") and is_test_file(word)]
    folders = {dirname(path) for path in paths}
    wanted = [word for word in words if word and any(f"{each}/".startswith(f"{word}/") for each in folders)]
    if named and not wanted:
        raise FatalError(
            f"The test command runs {join_words(named)} only, so that no new test would run: "
            "name its folder with --test."
        )
    tests = [
        path for path in paths if basename(path).startswith("test") and path.endswith(".py") and is_test_file(path)
    ]
    inside = [path for path in tests if any(path.startswith(f"{top}/") for top in wanted or [folder] if top)]
    counts = Counter(dirname(path) for path in (inside or ([] if wanted or folder else tests)))
    default = min(wanted, default="") or (join(folder, "tests") if join(folder, "tests") in folders else folder)
    place = max(counts, key=lambda each: (counts[each], -len(each), each), default=default)
    style = TestStyle.PYTEST if "pytest" in command or "py.test" in command else TestStyle.UNITTEST
    slug = slugify(title, _SLUG, "expectation").replace("-", "_")
    taken = {basename(path) for path in paths}
    number = next(n for n in range(1, len(paths) + 2) if f"test_{_number(slug, n)}.py" not in taken)
    return Placement(place, f"test_{_number(slug, number)}.py", _number(slug, number), style)


def _number(slug: str, number: int) -> str:
    return slug if number == 1 else f"{slug}_{number}"


def _make_diff(folder: str, name: str, written: WrittenFile) -> str:
    files = {name: written.text, **written.scripts}
    return "".join(make_diff(join(folder, file), None, text) for file, text in files.items())
