"""Precision and recall of the graph's edges against a SCIP index of the same sources.

    npm install @sourcegraph/scip-python
    cd SOURCES && npx scip-python index . --project-name x --project-version 1 --output /tmp/sources.scip
    python -m benchmarks.edges SOURCES /tmp/sources.scip [SOURCES INDEX ...]

The sites (calls, bases, imported names) are read by the interpreter's own `ast`; what stands at each is said by
scip-python, and which file a named module is by CPython's own path finder. An edge counts once between two nodes.
Precision is over the edges whose site the index has an opinion of: scip-python is silent where it knows no type.
`__init__` counts where it is called by name.
"""

import argparse
import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.util import resolve_name
from pathlib import Path

from activities.retrieval.languages import parse_file
from activities.retrieval.linking import Linker
from benchmarks import recording, scip
from hydra_cli.bench.conditions import Conditions
from hydranet.code_graph.model import Edge, EdgeKind, Resolution

INITIALISERS = ("__init__", "__new__", "__call__")

Pair = tuple[str, str]


@dataclass
class Site:
    """A place where a definition is called, inherited from or imported, by the name that stands there."""

    kind: EdgeKind
    source: str
    name: str
    place: scip.Place


class Sites(ast.NodeVisitor):
    """The sites and definitions of one file, with nodes named as the graph names them."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.lines = source.split("\n")
        self.sites: list[Site] = []
        self.definitions: dict[scip.Place, str] = {}
        self._names: list[str] = []
        self._is_function = False

    @property
    def _source(self) -> str:
        return f"{self.path}::{'.'.join(self._names) or '<block>'}"

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for one in [*node.decorator_list, *node.keywords]:
            self.visit(one)
        entered = self._enter(node, "class")
        for base in node.bases:
            if entered:
                self._site(EdgeKind.INHERITS, base)
            self.visit(base)
        self._leave(node, entered)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for one in node.decorator_list:
            self.visit(one)
        entered = self._enter(node, "def")
        self.visit(node.args)
        was, self._is_function = self._is_function, True
        self._leave(node, entered)
        self._is_function = was

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Call(self, node: ast.Call) -> None:
        self._site(EdgeKind.CALLS, node.func)
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                place = (self.path, alias.lineno, self._column(alias.lineno, alias.col_offset))
                self.sites.append(Site(EdgeKind.IMPORTS, f"{self.path}::", alias.name, place))

    def _enter(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, keyword: str) -> bool:
        if self._is_function:
            return False
        column = self.lines[node.lineno - 1].index(keyword, self._column(node.lineno, node.col_offset))
        column = self.lines[node.lineno - 1].index(node.name, column + len(keyword))
        self._names.append(node.name)
        self.definitions[self.path, node.lineno, column] = self._source
        return True

    def _leave(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, entered: bool) -> None:
        for one in node.body:
            self.visit(one)
        if entered:
            self._names.pop()

    def _site(self, kind: EdgeKind, node: ast.expr) -> None:
        while isinstance(node, ast.Subscript) and kind is EdgeKind.INHERITS:
            node = node.value
        if isinstance(node, ast.Name):
            place = (self.path, node.lineno, self._column(node.lineno, node.col_offset))
            self.sites.append(Site(kind, self._source, node.id, place))
        elif isinstance(node, ast.Attribute):
            line = node.end_lineno or node.lineno
            end = self._column(line, node.end_col_offset or 0)
            self.sites.append(Site(kind, self._source, node.attr, (self.path, line, end - len(node.attr))))

    def _column(self, line: int, offset: int) -> int:
        """A column in characters, of one in bytes."""
        return len(self.lines[line - 1].encode()[:offset].decode())


@dataclass
class Tally:
    """The edges of one kind: right, wrong, missed, and those that the index has no opinion of."""

    right: set[Pair] = field(default_factory=set)
    wrong: set[Pair] = field(default_factory=set)
    missed: set[Pair] = field(default_factory=set)
    unjudged: set[Pair] = field(default_factory=set)

    def figures(self) -> dict[str, float | int]:
        """Precision and recall in percent, and the counts."""
        found, wanted = len(self.right) + len(self.wrong), len(self.right) + len(self.missed)
        return {
            "precision": round(100 * len(self.right) / max(1, found), 1),
            "recall": round(100 * len(self.right) / max(1, wanted), 1),
            "right": len(self.right),
            "wrong": len(self.wrong),
            "missed": len(self.missed),
            "unjudged": len(self.unjudged),
        }


class Comparison:
    """One source tree beside its index."""

    def __init__(self, root: Path, index: scip.Index) -> None:
        self.root = root
        self.index = index
        sources = {path: (root / path).read_bytes() for path in sorted(index.paths)}
        facts = {path: parsed for path, source in sources.items() if (parsed := parse_file(path, source))}
        linker = Linker(facts)
        self.edges = [_unnumbered(edge) for path in facts for edge in linker.link(path)]
        read = [self._read(path, source.decode()) for path, source in sources.items()]
        self.sites = [site for one in read for site in one.sites]
        self.nodes = {place: name for one in read for place, name in one.definitions.items()}
        self.trees = {path: ast.parse(source) for path, source in sources.items()}

    def tallies(self) -> dict[str, Tally]:
        """The edges of each kind, and the calls by how they were resolved."""
        found = {kind.value: self._linked(kind) for kind in (EdgeKind.INHERITS, EdgeKind.CALLS)}
        found["imports"] = self._imports()
        for resolution in (Resolution.SCOPE, Resolution.IMPORT, Resolution.SELF, Resolution.TYPE, Resolution.NAME):
            found[f"calls by {resolution}"] = self._linked(EdgeKind.CALLS, resolution)
        return found

    def _linked(self, kind: EdgeKind, only: Resolution | None = None) -> Tally:
        wanted: set[Pair] = set()
        judged: set[Pair] = set()
        for site in self.sites:
            symbols = self.index.at.get(site.place, set()) if site.kind is kind else set()
            if symbols:
                judged.add((site.source, site.name))
            wanted |= {(site.source, target) for target in self._nodes(symbols)}
        made = {
            (edge.source, edge.target)
            for edge in self.edges
            if edge.kind is kind and edge.resolution not in (Resolution.UNRESOLVED,) and self._is_said(edge)
        }
        if only:
            made = {
                (e.source, e.target) for e in self.edges if e.kind is kind and e.resolution is only and self._is_said(e)
            }
        judged_names = judged | {(source, _own(target)) for source, target in wanted}
        wrong = made - wanted
        return Tally(
            right=made & wanted,
            wrong={pair for pair in wrong if (pair[0], _own(pair[1])) in judged_names},
            missed=wanted - made,
            unjudged={pair for pair in wrong if (pair[0], _own(pair[1])) not in judged_names},
        )

    def _is_said(self, edge: Edge) -> bool:
        return _own(edge.target) not in INITIALISERS or edge.resolution is Resolution.SELF

    def _nodes(self, symbols: set[str]) -> set[str]:
        places = (self.index.defined.get(symbol) for symbol in symbols)
        return {self.nodes[place] for place in places if place in self.nodes}

    def _imports(self) -> Tally:
        """Imports from file to file: the modules that are named, and where the imported names are defined."""
        wanted: set[Pair] = set()
        for site in self.sites:
            if site.kind is not EdgeKind.IMPORTS:
                continue
            symbols = self.index.at.get(site.place, set())
            known = {self.index.defined[symbol][0] for symbol in symbols if symbol in self.index.defined}
            wanted |= {(site.place[0], path) for path in known}
        for path, tree in self.trees.items():
            for name in _imported(tree, path):
                wanted |= {(path, found) for found in self._named(name) if found in self.index.paths}
        made = {
            (edge.source.partition("::")[0], edge.target.partition("::")[0])
            for edge in self.edges
            if edge.kind is EdgeKind.IMPORTS and edge.resolution is not Resolution.UNRESOLVED
        }
        wanted = {pair for pair in wanted if pair[0] != pair[1]}
        made = {pair for pair in made if pair[0] != pair[1]}
        return Tally(right=made & wanted, wrong=made - wanted, missed=wanted - made)

    def _named(self, name: str) -> Iterator[str]:
        """The file of a module by CPython's own finder, below the root and `src`."""
        search: list[str] | None = [str(self.root), str(self.root / "src")]
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            spec = PathFinder.find_spec(".".join(parts[:end]), search)
            if spec is None:
                return
            search = list(spec.submodule_search_locations) if spec.submodule_search_locations else None
            if end == len(parts) and spec.origin and spec.has_location:
                yield str(Path(spec.origin).relative_to(self.root))
            if search is None:
                return

    def _read(self, path: str, source: str) -> Sites:
        sites = Sites(path, source)
        sites.visit(ast.parse(source))
        return sites


def _imported(tree: ast.Module, path: str) -> Iterator[str]:
    """The absolute names of the modules that a file imports."""
    parts = Path(path).with_suffix("").parts
    package = ".".join(parts[:-1]).removeprefix("src.")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            yield from (alias.name.partition(".")[0] for alias in node.names if not alias.asname)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            base = resolve_name(name, package) if node.level else name
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _unnumbered(edge: Edge) -> Edge:
    """An edge between names: the definitions of one name, such as overloads, taken for one."""
    return edge._replace(source=re.sub(r"#\d+", "", edge.source), target=re.sub(r"#\d+", "", edge.target))


def _own(node: str) -> str:
    return node.rpartition("::")[2].rpartition(".")[2].partition("#")[0]


def main() -> None:
    """Compare each source tree with its index and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", type=Path, metavar="SOURCES INDEX")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--show", help="list the wrong and missed edges of a kind")
    given = parser.parse_args()
    conditions, rows = Conditions(), []
    for root, index in zip(given.pairs[::2], given.pairs[1::2], strict=True):
        tallies = Comparison(root.resolve(), scip.read(index)).tallies()
        release = root.resolve().name
        rows += [{"release": release, "edges": name, **tally.figures()} for name, tally in tallies.items()]
        print(f"\n{release}")
        for name, tally in tallies.items():
            print(f"  {name:18}", "  ".join(f"{key} {value}" for key, value in tally.figures().items()))
        if given.show:
            for what in ("wrong", "missed", "unjudged"):
                for pair in sorted(getattr(tallies[given.show], what)):
                    print(f"    {what}: {pair[0]} -> {pair[1]}")
    if given.json:
        recording.write(given.json, conditions, rows, oracle="scip-python")


if __name__ == "__main__":
    main()
