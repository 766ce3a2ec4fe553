"""Which test commands are plain calls of a test runner, and where the recorder goes in a shell line."""

import pytest

from activities.sandbox.trial_commands import parse_trial_command, record_unittest, runs_one_session

RECORDER = "-m hydra_inside.unittest_main"


@pytest.mark.parametrize(
    ("command", "server", "arguments", "path", "env"),
    [
        ("pytest", "fork_server", (), (), {}),
        ("python -m pytest -q 'a b'", "fork_server", ("-q", "a b"), ("/work",), {}),
        ("A=1 B='x y' pytest -k 'a or (b)'", "fork_server", ("-k", "a or (b)"), (), {"A": "1", "B": "x y"}),
        ("env A=1 pytest t.py::test[1-a]", "fork_server", ("t.py::test[1-a]",), (), {"A": "1"}),
        ("python -m unittest", "unittest_fork_server", (), ("/work",), {}),
        (
            "python3 -m unittest discover -s a -t .",
            "unittest_fork_server",
            ("discover", "-s", "a", "-t", "."),
            ("/work",),
            {},
        ),
        ("python manage.py test", "django_fork_server", ("manage.py", "test"), ("/work",), {}),
        ("python3 a/manage.py test b", "django_fork_server", ("a/manage.py", "test", "b"), ("/work/a",), {}),
        ("./manage.py test", "django_fork_server", ("./manage.py", "test"), ("/work",), {}),
        ("A=1 a/manage.py test", "django_fork_server", ("a/manage.py", "test"), ("/work/a",), {"A": "1"}),
        ("python -m django test a", "django_fork_server", ("-m", "django", "test", "a"), ("/work",), {}),
        (
            "env S=a.b django-admin test --settings=a",
            "django_fork_server",
            ("django-admin", "test", "--settings=a"),
            ("/env/bin",),
            {"S": "a.b"},
        ),
    ],
)
def test_a_call_of_a_test_runner_is_taken_apart(
    command: str, server: str, arguments: tuple[str, ...], path: tuple[str, ...], env: dict[str, str]
) -> None:
    call = parse_trial_command(command)
    assert call is not None
    assert (call.server, call.arguments, call.path, dict(call.env)) == (server, arguments, path, env)
    assert runs_one_session(command)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("-W error", ("-W", "error")),
        ("-X dev -bb", ("-X", "dev", "-bb")),
        ("-Wonce -W 'ignore:a b'", ("-Wonce", "-W", "ignore:a b")),
    ],
)
@pytest.mark.parametrize("call", ["-m unittest", "-m pytest", "-m django test", "manage.py test"])
def test_options_of_the_interpreter_are_kept(options: str, words: tuple[str, ...], call: str) -> None:
    command = parse_trial_command(f"python {options} {call} -v")
    assert command is not None
    assert (command.options, command.arguments[-1]) == (words, "-v")
    assert "pytest" in call or record_unittest(f"python {options} {call} -v").startswith(f"python {options} {RECORDER}")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "make",
        "pytest && true",
        "pytest; true",
        "cd a\npytest",
        "pytest $X",
        'pytest "$X"',
        "pytest 'a",
        "pytest *.py",
        "pytest >log",
        "pytest ~/a",
        "python -O -m unittest",
        "python -I -m unittest",
        "python test.py",
        "python manage.py check",
        "python manage.py testing",
        "manage.py test",
        "python django-admin test",
        "python pytest",
        "-m unittest",
        "coverage run -m unittest",
        "time ./manage.py test",
        "cd a && python -m unittest",
    ],
)
def test_anything_else_is_left_to_a_shell(command: str) -> None:
    assert parse_trial_command(command) is None


@pytest.mark.parametrize(
    ("command", "recorded"),
    [
        ("cd a && python -m unittest; true", f"cd a && python {RECORDER}; true"),
        ("coverage run -m unittest", f"coverage run {RECORDER}"),
        ("coverage run -m django test", f"coverage run {RECORDER} -m django test"),
        ("cd a;./manage.py test -v2", f"cd a;python3 {RECORDER} ./manage.py test -v2"),
        ("(A=b django-admin test)", f"(A=b python3 {RECORDER} django-admin test)"),
        ("time python manage.py test", f"time python {RECORDER} manage.py test"),
    ],
)
def test_the_recorder_is_put_into_every_call(command: str, recorded: str) -> None:
    assert record_unittest(command) == recorded


@pytest.mark.parametrize(
    "command",
    [
        "coverage run ./manage.py test",
        "echo django-admin test",
        "python -I -m unittest",
        "pytest -q",
        "python -m pytest",
    ],
)
def test_other_commands_stay_as_they_are(command: str) -> None:
    assert record_unittest(command) == command
