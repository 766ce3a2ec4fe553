"""Writing tests of what is expected of the code, in the style of a repository's own tests."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from textwrap import indent

from hydranet.contracts.expectations import Expectation, ExpectationKind

SCRIPT_SECONDS = 60
"""How long a script may take."""

_LINE = 100
_SCRIPT_HEAD = '''
def _stop(*_):
    raise TimeoutError("The script did not end within {seconds} seconds.")


def _run(name):
    """Run a script beside this file, which has to exit with 0."""
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm({seconds})
    try:
        runpy.run_path(str(Path(__file__).with_name(name)), run_name="__main__")
    except SystemExit as ending:
        if ending.code:
            raise AssertionError(f"The script exits with {{ending.code}}.") from None
    finally:
        signal.alarm(0)

'''


class TestStyle(StrEnum):
    """How a repository's tests are written: functions that pytest runs, or methods of a unittest.TestCase."""

    __test__ = False

    PYTEST = "pytest"
    UNITTEST = "unittest"


@dataclass(frozen=True)
class WrittenFile:
    """A file of tests: its text, the names of its test functions, and the scripts beside it, by file name."""

    text: str
    names: tuple[str, ...]
    scripts: Mapping[str, str]


def write_tests(
    title: str, slug: str, expectations: Sequence[Expectation], imports: Iterable[str], style: TestStyle
) -> WrittenFile:
    """Return a file with a test of each expectation; `imports` are the lines that bring its names in."""
    names = [f"test_{slug}" if len(expectations) == 1 else f"test_{slug}_{n}" for n in range(1, len(expectations) + 1)]
    scripts = {
        f"{name.removeprefix('test_')}_test.txt": expectation.code
        for name, expectation in zip(names, expectations, strict=True)
        if expectation.kind is ExpectationKind.SCRIPT
    }
    hoisted: list[str] = []
    if len(expectations) == 1:
        hoisted, setup = _split_imports(expectations[0].setup)
        expectations = [expectations[0].model_copy(update={"setup": setup})]
    bodies = [_write_body(name, expectation, style) for name, expectation in zip(names, expectations, strict=True)]
    own = ["import runpy", "import signal", "from pathlib import Path"] if scripts else []
    if style is TestStyle.UNITTEST:
        own.append("import unittest")
    elif any(expectation.kind is ExpectationKind.RAISES for expectation in expectations):
        own.append("import pytest")
    head = [f'"""{_quote(title)}"""', "", *_sort_imports([*own, *hoisted, *imports])]
    helper = _SCRIPT_HEAD.format(seconds=SCRIPT_SECONDS).rstrip() if scripts else ""
    if style is TestStyle.UNITTEST:
        label = "".join(word.capitalize() for word in slug.split("_"))
        methods = "\n\n".join(
            f"    def {name}(self):\n{indent(body, ' ' * 8)}" for name, body in zip(names, bodies, strict=True)
        )
        tests = [f"class Test{label}(unittest.TestCase):\n{methods}"]
    else:
        tests = [f"def {name}():\n{indent(body, ' ' * 4)}" for name, body in zip(names, bodies, strict=True)]
    text = "\n\n\n".join(filter(None, ("\n".join(head).rstrip(), helper.strip("\n"), *tests)))
    return WrittenFile(f"{text}\n", tuple(names), scripts)


def _write_body(name: str, expectation: Expectation, style: TestStyle) -> str:
    code, setup = expectation.code.strip(), expectation.setup.strip("\n")
    is_unittest = style is TestStyle.UNITTEST
    match expectation.kind:
        case ExpectationKind.SCRIPT:
            check = f'_run("{name.removeprefix("test_")}_test.txt")'
        case ExpectationKind.RAISES:
            call = "self.assertRaises" if is_unittest else "pytest.raises"
            check = f"with {call}({expectation.exception}):\n{indent(code, ' ' * 4)}"
        case ExpectationKind.RUNS:
            check = code
        case ExpectationKind.HOLDS:
            check = f"self.assertTrue({code})" if is_unittest else f"assert {_bracket(code)}"
    return "\n".join(filter(None, (setup, check)))


def _split_imports(setup: str) -> tuple[list[str], str]:
    """Return the imports of a set-up and the rest of it: several tests must not fail for an import of one."""
    nodes = ast.parse(setup).body
    imports = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    rest = [node for node in nodes if not isinstance(node, ast.Import | ast.ImportFrom)]
    return imports, ast.unparse(ast.Module(rest, [])) if imports else setup


def _bracket(code: str) -> str:
    return f"({code})" if "\n" in code else code


def _sort_imports(lines: Iterable[str]) -> list[str]:
    return sorted(dict.fromkeys(lines), key=lambda line: (not line.startswith("import "), line))


def _quote(title: str) -> str:
    text = " ".join(title.split()).replace("\\", "\\\\").replace('"', "'")
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)
    return f"{text[:_LINE]}{'' if text.endswith(('.', '!', '?')) else '.'}"
