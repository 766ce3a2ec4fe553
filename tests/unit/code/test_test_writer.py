"""Tests written of what is expected: they are Python, in the repository's style, and fail as they should."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from activities.code.expectations import list_free_names, read_expectation
from activities.code.test_writer import TestStyle, write_tests
from hydranet.contracts.expectations import Expectation, ExpectationKind
from hydranet.errors import UsageError

CODE = "def normalise(name):\n    return name.lower()\n\n\ndef parse(text):\n    return int(text)\n"
IMPORTS = ("from names import normalise", "from names import parse")


def expect(text: str, kind: ExpectationKind = ExpectationKind.HOLDS) -> Expectation:
    return read_expectation(kind, text, "--expect")


WRONG = [
    expect("normalise('Free-Range Eggs') == 'free range eggs'"),
    expect("[normalise(x) for x in\n ('A-B',)] == ['a b']"),
    expect("KeyError: parse('x')", ExpectationKind.RAISES),
    expect("parse('')", ExpectationKind.RUNS),
    expect("import sys\nfrom names import parse\nsys.exit(parse('2'))", ExpectationKind.SCRIPT),
    expect("raise SystemExit('no')", ExpectationKind.SCRIPT),
]
RIGHT = [
    expect("normalise('A') == 'a'"),
    expect("ValueError: parse('')", ExpectationKind.RAISES),
    expect("parse('1')", ExpectationKind.RUNS),
    expect("from names import parse\nassert __name__ == '__main__' and parse('0') == 0", ExpectationKind.SCRIPT),
    Expectation(kind=ExpectationKind.HOLDS, code="x + y == 3", setup="x = parse('1')\ny = parse('2')", source="issue"),
]


def test_the_imports_of_one_set_up_stand_at_the_top() -> None:
    wish = Expectation(
        kind=ExpectationKind.RUNS, code="assert f(x)", setup="import math\nx = math.pi", source="draft 1"
    )
    alone = write_tests("Pi", "pi", [wish], ["from a import f"], TestStyle.PYTEST).text
    assert "import math\nfrom a import f\n\n\ndef test_pi():\n    x = math.pi\n    assert f(x)\n" in alone
    both = write_tests("Pi", "pi", [wish, wish], ["from a import f"], TestStyle.PYTEST).text
    assert both.count("    import math\n") == 2, "one that cannot be imported fails alone"


@pytest.mark.parametrize("style", TestStyle)
def test_tests_pass_where_the_expectation_holds_and_fail_elsewhere(tmp_path: Path, style: TestStyle) -> None:
    written = write_tests('What "it" does\nis \\ wrong', "it", [*WRONG, *RIGHT], IMPORTS, style)
    (tmp_path / "names.py").write_text(CODE)
    (tmp_path / "test_it.py").write_text(written.text)
    for name, text in written.scripts.items():
        (tmp_path / name).write_text(text)
    module = ("pytest", "-q") if style is TestStyle.PYTEST else ("unittest", "-v")
    command = [sys.executable, "-m", *module, *(("-rA", "test_it.py") if style is TestStyle.PYTEST else ("test_it",))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    for number, name in enumerate(written.names):
        outcome = ("PASSED", "ok") if number >= len(WRONG) else ("FAILED", "FAIL", "ERROR")
        assert any(name in line and any(word in line for word in outcome) for line in lines), (name, done.stdout)


def test_a_script_without_end_is_ended(tmp_path: Path) -> None:
    script = expect("while True: pass", ExpectationKind.SCRIPT)
    written = write_tests("It hangs", "it", [script], (), TestStyle.PYTEST)
    (tmp_path / "test_it.py").write_text(written.text.replace("signal.alarm(60)", "signal.alarm(1)"))
    for name, text in written.scripts.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "TimeoutError: The script did not end within 60 seconds." in done.stdout


def test_a_file_reads_like_one_that_a_person_wrote() -> None:
    written = write_tests("Hyphens stay in names", "hyphens", [WRONG[0], RIGHT[1]], IMPORTS, TestStyle.PYTEST)
    assert written.text == (
        '"""Hyphens stay in names."""\n\nimport pytest\nfrom names import normalise\nfrom names import parse\n\n\n'
        "def test_hyphens_1():\n    assert normalise('Free-Range Eggs') == 'free range eggs'\n\n\n"
        "def test_hyphens_2():\n    with pytest.raises(ValueError):\n        parse('')\n"
    )
    ast.parse(written.text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("normalise('x') == 'y'", ["normalise"]),
        ("shop.names.normalise(x).upper() for x in range(3)", ["shop.names.normalise"]),
        ("[f(y) for y in ys if y.ok]", ["f", "ys"]),
        ("(lambda a, *b: a + c)(1)", ["c"]),
        ("len(Stock().take('a')) == math.pi", ["Stock", "math.pi"]),
        ("print(1) is None", []),
    ],
)
def test_names_that_come_from_elsewhere_are_listed(text: str, names: list[str]) -> None:
    assert sorted(list_free_names(expect(f"list({text})" if " for " in text and text[0] != "[" else text))) == sorted(
        names
    )


def test_an_exception_is_a_name_too() -> None:
    assert list_free_names(expect("shop.Gone: take('a')", ExpectationKind.RAISES)) == ["shop.Gone", "take"]


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (ExpectationKind.HOLDS, "", "--expect is empty"),
        (ExpectationKind.HOLDS, "f(1", "is not one Python expression ('(' was never closed at column 2): correct it."),
        (ExpectationKind.HOLDS, "x = 1", "is not one Python expression"),
        (ExpectationKind.HOLDS, "import os", "is not one Python expression"),
        (ExpectationKind.HOLDS, "(" * 500 + ")" * 500, "is not one Python expression"),
        (ExpectationKind.HOLDS, "a\0b", "is not one Python expression"),
        (ExpectationKind.RAISES, "parse('')", "is to name an exception and an expression"),
        (ExpectationKind.RAISES, "ValueError: ", "is empty"),
        (ExpectationKind.RAISES, "not a name: x", "is to name an exception"),
        (ExpectationKind.SCRIPT, "def f(:", "is not a Python script"),
    ],
)
def test_what_is_no_python_is_refused_in_a_sentence(kind: ExpectationKind, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read_expectation(kind, text, "--expect")
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
