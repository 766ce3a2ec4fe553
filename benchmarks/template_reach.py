"""How many small bug fixes of public projects the repair templates can make, by the shape of the edit and by family.

Run with `python -m benchmarks.template_reach REPOSITORY...` (paths of git directories with their history). It takes
commits whose message speaks of a fix or a bug, with tests, that change at most three lines of one function and no other
code. A family reaches a fix when an edit of it at the changed statements has the syntax tree of the fixed function,
whatever the order of keyword arguments. The vocabulary is that of the file's folder: a run knows more.
"""

import argparse
import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from activities.code.python_source import parse_source
from activities.code.test_files import is_test_file
from activities.localisation.regions import FunctionNode, Region, Statement
from activities.localisation.vocabulary import Vocabulary
from activities.repair.families import FAMILIES
from activities.repair.scope import NamesInScope
from activities.repair.site import list_sites
from benchmarks.bug_fixes import git
from benchmarks.edit_shapes import describe_edit
from benchmarks.priors import before_and_after, fixes

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Fix:
    """A fix of one function: the function before and after, and the lines that were changed."""

    region: Region
    before: FunctionNode
    after: FunctionNode
    lines: range
    vocabulary: Vocabulary

    def is_made(self, text: str) -> bool:
        """Return whether the fixed function stands in a new text of the file."""
        body = cut_function(self.region, text)
        words = Counter(_WORD.findall(body))
        if any(words[word] != count for word, count in self._expected_words.items()):
            return False  # as most, and to parse and compare the trees takes fifty times longer
        made = parse_function(body)
        return made is not None and dump_tree(made) == self._dumped

    @cached_property
    def _dumped(self) -> str:
        return dump_tree(self.after)

    @cached_property
    def _expected_words(self) -> dict[str, int]:
        """How often names must occur in the text of a right candidate, without those that strings speak of too."""
        (before, strings), (after, others) = map(_count_names, (self.before, self.after))
        written = Counter(_WORD.findall(cut_function(self.region, self.region.source.text)))
        names = (before | after).keys() - strings - others
        return {name: written[name] + after[name] - before[name] for name in names}


def _count_names(function: FunctionNode) -> tuple[Counter[str], set[str]]:
    names, strings = Counter[str](), set[str]()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=str(name)) | ast.Attribute(attr=str(name)):
                names[name] += 1
            case ast.keyword(arg=str(name)) | ast.arg(arg=str(name)):
                names[name] += 1
            case ast.Constant(value=str(text)):
                strings.update(_WORD.findall(text))
    return names, strings


def cut_function(region: Region, text: str) -> str:
    """Return the lines of a region's function in a new text of its file that differs only in it."""
    assert region.function is not None
    first, last = region.source.span_of_lines(region.function.lineno, region.function.end_lineno or 0)
    return text[first : last + len(text) - len(region.source.text)]


def parse_function(text: str) -> FunctionNode | None:
    """Return the syntax tree of a function's lines, None when they are no single function."""
    tree = parse_source(f"if 1:\n{text}" if text[:1] in (" ", "\t") else text)
    block = tree.body if tree is not None else []
    if len(block) == 1 and isinstance(block[0], ast.If):
        block = block[0].body
    return block[0] if len(block) == 1 and isinstance(block[0], FunctionNode) else None


def dump_tree(function: FunctionNode) -> str:
    """Return the syntax tree as text, with the keyword arguments of each call in order; the tree is changed."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            node.keywords.sort(key=lambda keyword: keyword.arg or "")
    return ast.dump(function)


def read_vocabulary(repository: Path, commit: str, path: str) -> Vocabulary:
    """Return the words of the Python files beside a path, as a commit has them."""
    folder = f"{path.rpartition('/')[0]}/".lstrip("/")
    names = git(repository, "ls-tree", "--name-only", commit, *filter(None, [folder])).splitlines()
    texts = (git(repository, "show", f"{commit}:{name}") for name in names if name.endswith(".py"))
    return Vocabulary.from_trees(tree for text in texts if (tree := parse_source(text)) is not None)


def read_fixes(repository: Path, most: int) -> Iterator[Fix]:
    """Yield at most `most` fixes that come with tests, latest first."""
    seen = set[str]()  # the same fix is often in several branches of releases
    for commit, path in fixes(repository):
        if len(seen) == most:
            return
        if not any(map(is_test_file, git(repository, "show", "--name-only", "--format=", commit).splitlines())):
            continue
        if (change := before_and_after(repository, commit, path)) is None:
            continue
        source, text, region, lines = change
        before, after = (parse_function(cut_function(region, version)) for version in (source.text, text))
        if before is None or after is None or ast.get_docstring(before) != ast.get_docstring(after):
            continue
        if dump_tree(before) != dump_tree(after) and dump_tree(after) not in seen:
            seen.add(dump_tree(after))
            yield Fix(region, before, after, lines, read_vocabulary(repository, f"{commit}^", path))


def list_families(fix: Fix) -> list[str]:
    """Return the families with an edit at the changed statements that makes the fix."""
    source = fix.region.source
    scope = NamesInScope(fix.region, fix.vocabulary)
    sites = [
        site
        for statement in fix.region.statements
        if _is_changed(statement, fix.lines)
        for site in list_sites(scope, statement)
    ]
    return [
        family.name
        for family in FAMILIES
        if any(fix.is_made(source.apply(edit.replacements)) for site in sites for edit in family.edits(site))
    ]


def _is_changed(statement: Statement, lines: range) -> bool:
    """Return whether a changed line is in the header of a statement or beside it."""
    spans = [(statement.first_line, statement.header_end)]
    if isinstance(statement.node, ast.Try):
        spans += [(handler.lineno, handler.lineno) for handler in statement.node.handlers]
    return any(first <= line + 1 and line - 1 <= last for first, last in spans for line in lines)


def main() -> None:
    """Print what is reached, by shape and by family."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=60, help="fixes read of each repository")
    given = parser.parse_args()
    shapes, reached = Counter[str](), Counter[str]()
    families: defaultdict[str, int] = defaultdict(int)
    for repository in given.repositories:
        for fix in read_fixes(repository, given.most):
            shape, names = describe_edit(fix.before, fix.after), list_families(fix)
            shapes[shape] += 1
            reached[shape] += bool(names)
            for name in names:
                families[name] += 1
    print(f"{shapes.total()} fixes, {reached.total()} reached by a family")
    for shape, count in shapes.most_common():
        print(f"{count:4} {reached[shape]:4} reached: {shape}")
    for family in FAMILIES:
        print(f"{families[family.name]:4} by {family.name}")


if __name__ == "__main__":
    main()
