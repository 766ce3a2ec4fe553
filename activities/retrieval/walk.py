"""The walk from the failing tests to the functions that may hold the cause."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from tree_sitter import Tree

from activities.retrieval import seeds, syntax
from activities.retrieval.imports import Modules
from activities.retrieval.syntax import Definition, Import
from hydranet.contracts import TestResult

# What a seed weighs, and what is left of a weight after one hop over a call or an import.
BEYOND_DOUBT = 10.0
_TRACEBACK = 10.0
_USED_BY_TEST = 6.0
_IMPORTED_BY_TEST = 2.0
_NAMED_IN_ISSUE = 4.0
_IN_NAMED_FILE = 2.0
_TOUCHED = 1.0
_NEAR_TEST = 1.0
_SAME_WORDS = 3.0
_SURE = 8.0
_VARIABLE = 0.5

# Lines of a class above which its methods are offered one by one.
_LONG_CLASS = 40
_DECAY = 0.6
_HOPS = 2

# A large repository is read only as far as the walk gets with these.
_FILES = 80
_FILE_CHARACTERS = 400_000
_SPREAD = 40


@dataclass(frozen=True)
class Module:
    """One parsed file."""

    path: str
    source: str
    tree: Tree
    definitions: tuple[Definition, ...]
    imports: tuple[Import, ...]

    def own(self, name: str) -> list[Definition]:
        """The definitions with the name `name`, qualified or not."""
        return [one for one in self.definitions if name in (one.name, one.own_name)]

    def at(self, line: int) -> Definition | None:
        """The innermost function or class around `line`."""
        around = [one for one in self.definitions if one.first <= line <= one.last and one.kind != "variable"]
        return max(around, key=lambda one: one.first, default=None)


@dataclass(frozen=True, slots=True)
class Place:
    """A definition in a file."""

    path: str
    one: Definition


@dataclass
class Found:
    """How suspicious a place is and the path that led to it."""

    score: float
    why: str


@dataclass
class Walk:
    """Follows frames, imports and names through a repository; `read` gives a file's text or None."""

    modules: Modules
    read: Callable[[str], Awaitable[str | None]]
    found: dict[Place, Found] = field(default_factory=dict)
    tests: list[Place] = field(default_factory=list)
    _parsed: dict[str, Module | None] = field(default_factory=dict)

    async def run(self, failing: Iterable[TestResult], issue: str, touched: Iterable[str]) -> None:
        """Fill `found`, and `tests` with the failing tests' own functions."""
        for test in failing:
            await self._follow_traceback(test)
            await self._follow_test(test)
        await self._follow_issue(issue)
        for _ in range(_HOPS):
            await self._hop()
        self._weigh_names(issue, set(touched))
        await self._open_classes()
        self._weigh_words(" ".join([issue, *await self._texts_of_tests()]))

    async def module(self, path: str) -> Module | None:
        """The parsed file `path`; None when it is no readable Python file or enough files were read."""
        if path not in self._parsed:
            if len(self._parsed) >= _FILES or path not in self.modules.paths:
                return None
            source = await self.read(path)
            usable = source is not None and len(source) <= _FILE_CHARACTERS
            self._parsed[path] = _parse(path, source) if usable and source is not None else None
        return self._parsed[path]

    def _add(self, path: str, one: Definition, score: float, why: str) -> None:
        place = Place(path, one)
        score *= _VARIABLE if one.kind == "variable" else 1.0
        known = self.found.get(place)
        if known is None or known.score < score:
            self.found[place] = Found(score, why)

    async def _follow_traceback(self, test: TestResult) -> None:
        deepest_first = reversed(seeds.frames(test.message, self.modules.paths))
        for depth, frame in enumerate(dict.fromkeys(deepest_first)):
            module = await self.module(frame.file)
            one = module.at(frame.line) if module else None
            if one is not None and not seeds.is_test_file(frame.file):
                score = max(_TRACEBACK - depth, _USED_BY_TEST)
                self._add(frame.file, one, score, f"{test.id} → traceback {frame.file}:{frame.line}")

    async def _follow_test(self, test: TestResult) -> None:
        path = seeds.test_file(test.id, self.modules.paths)
        module = await self.module(path) if path else None
        if module is None:
            return
        name = seeds.test_function(test.id)
        one = next((one for one in module.definitions if one.name == name), None)
        if one is None:
            one = next(iter(module.own(name.rpartition(".")[2])), None)
        used: set[str] = set()
        if one is not None:
            if Place(module.path, one) not in self.tests:
                self.tests.append(Place(module.path, one))
            used = self._names_of_test(module, one)
        await self._spread(module, used, _USED_BY_TEST, module.path, rest=_IMPORTED_BY_TEST)
        await self._surround(module)

    async def _surround(self, test: Module) -> None:
        """Add with little weight every function of the modules that a test file imports from."""
        for needed in test.imports:
            path = self.modules.find(needed.module, test.path)
            module = await self.module(path) if path and not seeds.is_test_file(path) else None
            if module is None:
                continue
            for one in module.definitions:
                if one.kind == "function":
                    self._add(module.path, one, _NEAR_TEST, f"{test.path} → imports from {module.path}")

    async def _texts_of_tests(self) -> list[str]:
        modules = [(await self.module(place.path), place.one) for place in self.tests]
        return [syntax.excerpt(module.source, one, ()) for module, one in modules if module]

    def _names_of_test(self, module: Module, test: Definition) -> set[str]:
        """The names in a test, in its class's other methods and in the helpers of its file that it uses."""
        owner = next((one for one in module.definitions if one.name == test.owner), test)
        used = syntax.identifiers(module.tree, owner.first, owner.last)
        for one in module.definitions:
            if one.own_name in used and not one.owner:
                used |= syntax.identifiers(module.tree, one.first, one.last)
        return used

    async def _follow_issue(self, issue: str) -> None:
        for path in seeds.named_files(issue, self.modules.paths):
            module = await self.module(path)
            for one in module.definitions if module and not seeds.is_test_file(path) else ():
                if one.kind == "function":
                    self._add(path, one, _IN_NAMED_FILE, f"the issue → {path}")

    async def _hop(self) -> None:
        """Go on from the most suspicious places to what they use."""
        best = sorted(self.found.items(), key=lambda item: -item[1].score)[:_SPREAD]
        for place, found in best:
            module = await self.module(place.path)
            if module is None or place.one.kind == "variable":
                continue
            used = syntax.identifiers(module.tree, place.one.first, place.one.last)
            used -= {place.one.own_name}
            score = found.score * _DECAY
            why = f"{found.why} → {place.one.name}"
            for one in module.definitions:
                same_class = not one.owner or one.owner == place.one.owner
                if one.own_name in used and same_class and one != place.one and one.kind != "class":
                    self._add(place.path, one, score, f"{why} → uses {one.name}")
            await self._spread(module, used, score, why)

    async def _spread(self, module: Module, used: set[str], score: float, why: str, rest: float | None = None) -> None:
        """Add what `module` imports: with `score` what is in `used`, the rest with `rest` if given."""
        for needed in module.imports:
            head = needed.alias.partition(".")[0]
            is_used = head in used or needed.name == "*"
            if not is_used and rest is None:
                continue
            weight = score if is_used else rest or 0.0
            for path, one in await self._imported(needed, module.path, used):
                if not seeds.is_test_file(path):
                    self._add(path, one, weight, f"{why} → imports {one.name} ({path})")

    async def _imported(self, needed: Import, importer: str, used: set[str]) -> list[tuple[str, Definition]]:
        """The definitions that an import makes known, those in `used` alone where it is a whole module."""
        if needed.name not in ("", "*"):
            package = needed.module if needed.module.endswith(".") else f"{needed.module}."
            submodule = self.modules.find(f"{package}{needed.name}", importer)
            if submodule is None:
                origin = self.modules.find(needed.module, importer)
                return await self._defined(origin, needed.name, used) if origin else []
        else:
            submodule = self.modules.find(needed.module, importer)
        module = await self.module(submodule) if submodule else None
        return [(module.path, one) for one in module.definitions if one.own_name in used] if module else []

    async def _defined(self, path: str, name: str, used: set[str], depth: int = 3) -> list[tuple[str, Definition]]:
        """Where `name` of the module `path` is defined, through re-exports; of a class what is used of it."""
        module = await self.module(path)
        if module is None:
            return []
        own = [one for one in module.definitions if one.name == name]
        if own and own[0].kind == "class":
            members = [one for one in module.definitions if one.owner == name]
            called = [one for one in members if one.own_name in used]
            return [(path, one) for one in called or _initialiser(members) or own]
        if own:
            return [(path, one) for one in own]
        for needed in module.imports if depth else ():
            if needed.name and name in (needed.alias, needed.alias.replace("*", name)):
                origin = self.modules.find(needed.module, path)
                wanted = needed.name if needed.name != "*" else name
                if origin and (there := await self._defined(origin, wanted, used, depth - 1)):
                    return there
        return []

    async def _open_classes(self) -> None:
        """Offer the methods of a class that is too long to be shown as a whole."""
        for place, found in list(self.found.items()):
            module = await self.module(place.path)
            if module is None or place.one.kind != "class" or place.one.last - place.one.first < _LONG_CLASS:
                continue
            for one in module.definitions:
                if one.owner == place.one.name and one.kind == "function":
                    self._add(place.path, one, found.score * _DECAY, found.why)

    def _weigh_names(self, issue: str, touched: set[str]) -> None:
        named = seeds.named_symbols(issue)
        for place, found in self.found.items():
            if place.one.own_name in named:
                found.score += _NAMED_IN_ISSUE
            if {place.path, place.one.name} & touched:
                found.score += _TOUCHED

    def _weigh_words(self, text: str) -> None:
        """Add weight for the words that a definition's name shares with `text`, rare words counting more.

        A place that is nearly sure already gains nothing: tracebacks keep their order.
        """
        said = seeds.words(text)
        names = {place: seeds.words(place.one.name) for place in self.found}
        count = Counter(word for words in names.values() for word in words)
        for place, words in names.items():
            rarity = {word: math.log(1 + len(names) / count[word]) for word in words}
            common = sum(rarity[word] for word in words & said)
            if common and self.found[place].score < _SURE:
                self.found[place].score += _SAME_WORDS * common / sum(rarity.values())


def _initialiser(members: Iterable[Definition]) -> list[Definition]:
    return [one for one in members if one.own_name == "__init__"]


def _parse(path: str, source: str) -> Module:
    tree = syntax.parse(source)
    return Module(path, source, tree, tuple(syntax.definitions(tree)), tuple(syntax.imports(tree)))
