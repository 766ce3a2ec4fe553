"""What is read of a Python file, however broken it is."""

import pytest

from activities.code import python_syntax
from activities.code.language import Definition

SOURCE = '''"""Doc."""
import os.path as p, sys
from . import near
from ..far.away import thing as it, (other)
from wide import *
X: int = 3
if X:
    def conditional():
        import inner
        return 1
class A(B):
    # A remark.
    """Doc of A."""
    y = 2

    @property
    @p.q(1)
    def f(self):
        """Doc
        of f."""
        def hidden(): pass
        return hidden.name

    class C:
        async def g(self): return X

def one(): return 1
'''


def found(source: str) -> dict[str, Definition]:
    return {one.name: one for one in python_syntax.list_definitions(python_syntax.parse_python(source))}


def test_definitions_have_their_names_and_lines() -> None:
    known = found(SOURCE)
    assert list(known) == ["X", "conditional", "A", "A.f", "A.C", "A.C.g", "one"]
    assert (known["A.f"].first, known["A.f"].start, known["A.f"].body, known["A.f"].last) == (16, 18, 19, 22)
    assert known["A.f"].docstring == (19, 20)
    assert (known["A"].docstring, known["A"].kind, known["X"].kind) == ((13, 13), "class", "variable")
    assert (known["A.C.g"].owner, known["A.C.g"].own_name) == ("A.C", "g")


def test_imports_keep_dots_and_aliases() -> None:
    known = [
        (one.module, one.name, one.alias) for one in python_syntax.list_imports(python_syntax.parse_python(SOURCE))
    ]
    assert known == [
        ("os.path", "", "p"),
        ("sys", "", "sys"),
        (".", "near", "near"),
        ("..far.away", "thing", "it"),
        ("wide", "*", "*"),
        ("inner", "", "inner"),
    ]


def test_identifiers_are_those_of_the_lines_asked_for() -> None:
    assert python_syntax.list_identifiers(python_syntax.parse_python(SOURCE), 21, 22) == {"hidden", "name"}


def test_an_excerpt_has_the_head_of_its_class() -> None:
    known = found(SOURCE)
    assert python_syntax.excerpt(SOURCE, known["A.C.g"], known.values()) == (
        "    class C:\n        async def g(self): return X"
    )
    assert python_syntax.excerpt(SOURCE, known["one"], known.values()) == "def one(): return 1"


@pytest.mark.parametrize(
    "broken", ["def f(:\n    return 1\n", "class A(\n", "x = (\ndef g():\n    pass\n", "\0", "(" * 9000]
)
def test_broken_files_are_read_as_far_as_they_go(broken: str) -> None:
    tree = python_syntax.parse_python(broken)
    assert len(python_syntax.list_definitions(tree)) <= 2
    assert python_syntax.list_imports(tree) == []
    assert python_syntax.find_fault(broken) is not None


def test_deep_nesting_is_no_danger() -> None:
    deep = "".join(" " * depth + "if x:\n" for depth in range(3000))
    assert found(deep) == {}
    assert python_syntax.find_fault(deep) is not None


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("x = 1\n", "x = 2\n", None),
        ("x = 1\n", "x = (2\n", 1),
        ("x = 1\n", "def f():\nreturn\n", 2),
        ("print 'a'\n", "print 'b'\n", None),
        ("print 'a'\n", "print 'b'\ndef f(\n", 2),
        ("x = (\n", "y = (\n", None),
        ("x = 1\n", "x = '\\d'\n", None),
    ],
)
def test_only_new_faults_count(old: str, new: str, line: int | None) -> None:
    fault = python_syntax.find_new_fault(old, new)
    assert (fault.line if fault else None) == line


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for x in y:\n    a()\n    b()\n", "for x in y:\n    a()\nb()\n"),
        ("x = 'a\\n1'\n", "x = 'b\\n1'\n"),
        ("x = f'{a}-'\n", "x = f'{a}_'\n"),
        ('"""Usage: a"""\nrun(__doc__)\n', '"""Usage: b"""\nrun(__doc__)\n'),
        ("x = 1\n", "x = 1\ny = (\n"),
    ],
)
def test_code_that_differs_is_told_apart(old: str, new: str) -> None:
    assert not python_syntax.is_same_code(old, new)


def test_comments_docstrings_and_layout_are_no_difference() -> None:
    old = 'def f(x):\n    """Old."""\n    return [\n        x, 1]\n'
    new = "# New.\n\ndef f(x):\n\n    return [x,   1]  # so\n"
    assert python_syntax.is_same_code(old, new)
