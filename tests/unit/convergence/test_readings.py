import pytest

from hydranet.convergence.readings import parse_reading, strip_line_numbers
from hydranet.convergence.score import Attempt, Command, score_attempt

FORTY = [
    "sed -n 1,40p shop/cart.py",
    "sed -ne '1,40 p' ./shop/cart.py",
    "sed 40q shop/cart.py",
    "sed -n '1,40p;41q' shop/cart.py 2>/dev/null",
    "head -40 shop/cart.py",
    "head -n 40 shop/cart.py | tail -40",
    "head --lines=40 -- shop/cart.py",
    "cat shop/cart.py | head -n 40",
    "cat -n shop/cart.py | sed -n 1,40p",
    "nl -b a shop/cart.py | head -40",
    "awk 'NR>=1 && NR<=40' shop/cart.py",
    "awk 'NR==1,NR==40' shop/cart.py",
    "cd shop && head -40 cart.py",
    "read_file shop/cart.py 1 40",
    "run sed -n 1,40p shop/cart.py",
]
MIDDLE = [
    "sed -n 41,60p shop/cart.py",
    "tail -n +41 shop/cart.py | head -20",
    "head -60 shop/cart.py | tail -20",
    "awk 'NR>40 && NR<61' shop/cart.py",
    "cat shop/cart.py | sed -n '41,$p' | head -n 20",
]


@pytest.mark.parametrize(("commands", "lines"), [(FORTY, (1, 40)), (MIDDLE, (41, 60))])
def test_the_same_lines_by_any_command(commands: list[str], lines: tuple[int, int]) -> None:
    readings = {command: parse_reading(command) for command in commands}
    assert {reading and (reading.path, reading.first, reading.last) for reading in readings.values()} == {
        ("shop/cart.py", *lines)
    }


@pytest.mark.parametrize(
    "command",
    [
        "",
        "cat 'shop",
        "cat a.py b.py",
        "cat a.py > b.py",
        "cat a.py | grep x",
        "cat a.py | python run.py",
        "cd shop; ls",
        "sed s/a/b/ a.py",
        "sed -i 1d a.py",
        "head -c 30 a.py",
        "grep -n price a.py",
        "git log -3",
    ],
)
def test_anything_else_is_no_reading(command: str) -> None:
    assert parse_reading(command) is None


def repetition(*looked: tuple[str, str]) -> float | None:
    commands = tuple(Command(command=command, result=result) for command, result in looked)
    return score_attempt([Attempt(), Attempt(commands=commands)]).terms.command_repetition


TEXT = "class Cart:\n    items = []\n\n    def total(self):"
NUMBERED = "     1\tclass Cart:\n     2\t    items = []\n     3\t\n     4\t    def total(self):\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("sed -n 1,40p f.py", TEXT), ("head -40 f.py | tail -40", TEXT)),
        (("sed -n 1,40p f.py", TEXT), ("cat f.py", f"{TEXT}\n")),
        (("cat /testbed/f.py", TEXT), ("cd /testbed && cat f.py", TEXT)),
        (("cat -n f.py", NUMBERED), ("cat f.py", TEXT)),
        (("grep -n '' f.py", "1:a = 1\n2:b = 2"), ("nl -ba f.py", "     1\ta = 1\n     2\tb = 2")),
        (("tail -4 f.py", TEXT), ("sed -n 1,4p f.py", TEXT)),
        (("sed -n '/class/,/def/p' f.py", TEXT), ("head -4 f.py", TEXT)),
    ],
)
def test_the_same_content_is_a_repeat(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert repetition(first, second) == 0.5
    assert repetition(second, first) == 0.5


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("sed -n 1,40p f.py", "..."), ("sed -n 41,80p f.py", "...")),
        (("head -50 f.py | tail -50", "..."), ("head -100 f.py | tail -50", "...")),
        (("sed -n 1,40p f.py", TEXT), ("sed -n 1,60p f.py", f"{TEXT}\n        return 0")),
        (("cat f.py", TEXT), ("cat g.py", TEXT)),
        (("cat pkg/f.py", TEXT), ("cat other/f.py", TEXT)),
        (("cat f.py", ""), ("head -40 f.py", "")),
        (("grep -n price f.py", "x"), ("cat f.py", "x")),
    ],
)
def test_other_lines_are_news(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert repetition(first, second) == 0.0


def test_the_same_lines_after_a_change_are_news() -> None:
    looked = (
        Command(command="cat f.py", result=TEXT),
        Command(command="head f.py", result=TEXT, workspace_changed=True),
    )
    assert score_attempt([Attempt(), Attempt(commands=looked)]).terms.command_repetition == 0.0


def test_only_the_numbers_of_lines_are_left_out() -> None:
    assert strip_line_numbers(NUMBERED) == TEXT
    assert strip_line_numbers("12") == "12"
    assert strip_line_numbers("7:a\n3:b") == "7:a\n3:b"
    assert strip_line_numbers("1:a\nand more") == "1:a\nand more"
