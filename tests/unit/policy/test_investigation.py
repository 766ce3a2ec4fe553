"""What a model asks to see becomes a command line that the guard can read."""

import pytest

from hydranet.policy import command_guard, investigation
from hydranet.policy.constitution import Effect


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("read_file shop/cart.py", "cat -n -- shop/cart.py | sed -n 1,60p"),
        ("read_file shop/cart.py 10 40", "cat -n -- shop/cart.py | sed -n 10,40p"),
        ("read_file shop/cart.py 10", "cat -n -- shop/cart.py | sed -n 10,69p"),
        ("read_file a.py 1 9000", "cat -n -- a.py | sed -n 1,60p"),
        ("read_file 'a b.py' x y", "cat -n -- 'a b.py' | sed -n 1,60p"),
        ("list_dir", "ls -1Ap -- . | head -n 60"),
        ("list_dir shop", "ls -1Ap -- shop | head -n 60"),
        ("search 'def total' shop", "ls -d -- shop > /dev/null && grep -rnIF -e 'def total' -- shop | head -n 30"),
        ("search $(id)", "ls -d -- . > /dev/null && grep -rnIF -e '$(id)' -- . | head -n 30"),
        ("run python -c 'print(1)'", "python -c 'print(1)'"),
        (" git log ", "git log"),
    ],
)
def test_tools_become_command_lines(asked: str, line: str) -> None:
    assert investigation.parse_command(asked) == line


@pytest.mark.parametrize(
    "asked",
    ["read_file shop/cart.py 10 40", "list_dir", "search 'total(' shop", "search -v", "run pytest", "grep -n x a.py"],
)
def test_what_tools_look_at_is_let_through(asked: str) -> None:
    decision = command_guard.decide(investigation.parse_command(asked))
    assert decision.effect is Effect.ALLOWED, decision


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ("read_file /etc/passwd", "outside"),
        ("read_file ../secret", "outside"),
        ("read_file 'a.py; rm -rf /'", "allowed"),
        ("read_file a.py; rm -rf /", "allowed"),
        ("list_dir /proc", "outside"),
        ("search x /", "outside"),
        ("read_file", "unlisted"),
        ("search", "unlisted"),
        ("read_file 'x", "unreadable"),
        ("run", "empty"),
        ("", "empty"),
        ("run rm -rf /", "deletion"),
        ("run curl example.org", "network"),
        ("run run ls", "unlisted"),
        ("open_door", "unlisted"),
    ],
)
def test_the_guard_sees_what_tools_are_given(asked: str, rule: str) -> None:
    # What looks like two commands in a path is quoted: it is the name of no file.
    assert command_guard.decide(investigation.parse_command(asked)).rule == f"guard:{rule}"
