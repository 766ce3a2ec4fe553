"""Failures of the environment: tests that no change to the code mends, because something they need is not there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import basename

from activities.code.test_files import is_test_file
from activities.git.placeholders import POINTER
from activities.sandbox.protocol import WORK
from hydranet.contracts import TestResult, TestResults

# Where the code lies in a sandbox.
_WORK = f"{WORK}/"
# Paths in one message that are looked up.
_PATHS_LIMIT = 50

# Of a chain of exceptions only those count that the last one was raised from: a test may ask how a failure is handled.
_HANDLED = "During handling of the above exception, another exception occurred:"
_RAISED = re.compile(r"(?:E +)?(?P<type>[A-Za-z_][\w.]*)(?:: (?P<text>.*))?$")
_FRAME = re.compile(r' *File "([^"]+)", line \d+|(\S+):\d+: ')
# The test itself says that something is wrong.
_ASSERTIONS = {"AssertionError", "Failed"}
# What unittest says of a module before it says why.
_HEADING = "Failed to import test module"

_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_LIBRARY = re.compile(
    r"([\w+.-]+\.so[\w.]*): cannot open shared object file|cannot load library '([^']+)'|no library called \"([^\"]+)\""
)
_PROGRAM = re.compile(r"\[Errno 2\] No such file or directory: '([^'/]+)'$")
_PROGRAM_ERROR = re.compile(r"(?:Executable|Program|Tesseract|GitCommand|Driver)\w*NotFound")
_FIXTURE = re.compile(r"^E +fixture '(\w+)' not found", re.MULTILINE)
_PATH = re.compile(r"[\w.+-]*(?:/[\w.+ -]*[\w.+-])+|[\w+-]+\.\w+")

_CAUSES = (
    (
        re.compile(
            r"Network is unreachable|Temporary failure in name resolution|Name or service not known"
            r"|No address associated with hostname|No route to host|NameResolutionError|Could not resolve host"
        ),
        "it needs the network, which the sandbox does not have",
    ),
    (
        re.compile(
            r"no display name and no \$DISPLAY|could(?:n't| not) connect to display|Bad display name"
            r"|[Cc]annot connect to (?:the )?X server|NoSuchDisplay|No available video device|Can't open display"
        ),
        "it needs a display",
    ),
    (re.compile(r"no NVIDIA driver|No CUDA GPUs|not compiled with CUDA|CUDA driver"), "it needs a GPU"),
    (re.compile(r"unsupported locale setting"), "it needs a locale that is not installed"),
    (re.compile(r"\[Errno 28\]|No space left on device"), "no space is left for it"),
    (
        re.compile(
            r"^(?:redis|psycopg2?|asyncpg|pymysql|MySQLdb|pymongo|pika|kafka|elastic\w*|docker|amqp|kombu|django\.db"
            r"|sqlalchemy)\..*(?:[Cc]onnection refused|[Cc]an(?:'|no)t connect|could not connect|fetching server API)"
        ),
        "it needs a server that does not run in the sandbox",
    ),
)
# Parts of the standard library that an interpreter may lack. Any other missing part of it is a matter of the code.
_OPTIONAL = {"tkinter", "_tkinter", "_sqlite3", "_ctypes", "_bz2", "_lzma", "_curses", "_dbm", "_gdbm", "readline"}
# Of modules, and of what is compiled into one.
_MODULE_FILES = {".py", ".pyi", ".pyx", ".c", ".cpp", ".rs"}
# Fixtures by the package that has them.
_PLUGINS = {
    "mocker": "pytest-mock",
    "benchmark": "pytest-benchmark",
    "httpx_mock": "pytest-httpx",
    "requests_mock": "requests-mock",
    "httpserver": "pytest-httpserver",
    "freezer": "pytest-freezer",
    "qtbot": "pytest-qt",
    "django_db_setup": "pytest-django",
    "aiohttp_client": "pytest-aiohttp",
    "datadir": "pytest-datadir",
}


@dataclass(frozen=True)
class Surroundings:
    """What surrounds the tests of a commit: its files, the submodules that are not there, and installed modules.

    `read` returns the text of a file.
    """

    paths: frozenset[str]
    submodules: Collection[str]
    installed: Collection[str]
    read: Callable[[str], str | None]


def tell_environment_failures(results: TestResults, surroundings: Surroundings, command: str) -> TestResults:
    """Return the results at a base commit, with the cause of each failure of the environment.

    Only for a base: of a candidate the message could be its own work.
    """
    classifier = _Classifier(surroundings)
    tests = [
        test.model_copy(update={"cause": classifier.explain(test, whole=test.id == command)})
        if test.is_failing
        else test
        for test in results.tests
    ]
    return results.model_copy(update={"tests": tuple(tests)})


class _Classifier:
    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._own = {name for path in surroundings.paths for name in _list_modules(path, surroundings.paths)}
        self._names = {basename(path) for path in surroundings.paths}

    def explain(self, test: TestResult, *, whole: bool) -> str:
        """Return why a test cannot pass here; empty where the code may be at fault.

        The `whole` command stands for many tests, so each of its failures has to be one of the environment.
        """
        message = test.message.rpartition(_HANDLED)[2]
        raised = [(kind, text) for kind, text in _list_raised(message.splitlines()) if _HEADING not in text]
        causes = [self._explain_error(kind, text, message) for kind, text in raised]
        if not raised and (match := _FIXTURE.search(message)):
            causes = [f"the package {package} is not installed" if (package := _PLUGINS.get(match[1])) else ""]
        if whole and not all(causes):
            return ""
        cause = next(filter(None, reversed(causes)), "")
        return cause or (self._explain_data(message) if raised and not whole else "")

    def _explain_error(self, kind: str, text: str, message: str) -> str:
        name = kind.rpartition(".")[2]
        if name in _ASSERTIONS:
            return ""
        if name in ("ModuleNotFoundError", "ImportError") and (match := _MODULE.search(text)):
            return self._explain_module(match[1])
        if match := _LIBRARY.search(text):
            return f"the library {next(filter(None, match.groups()))} is not installed"
        if name == "FileNotFoundError" and "subprocess.py" in message and (match := _PROGRAM.search(text)):
            return f"the program {match[1]} is not installed" if match[1] not in self._names else ""
        if _PROGRAM_ERROR.search(name) and kind.partition(".")[0] not in self._own:
            return f"a program is not installed: {text}"
        return next((cause for pattern, cause in _CAUSES if pattern.search(f"{kind}: {text}")), "")

    def _explain_module(self, module: str) -> str:
        top = module.partition(".")[0]
        missing = next((path for path in self._around.submodules if top in path.split("/")), None)
        if missing is not None:
            return _name_submodule(missing)
        if top in self._own:
            return ""
        if top in sys.stdlib_module_names:
            return f"the interpreter has no module {top}" if top in _OPTIONAL else ""
        if top in self._around.installed:
            return f"the installed package {top} has no module {module}" if module != top else ""
        return f"the package {top} is not installed"

    def _explain_data(self, message: str) -> str:
        for path in list(dict.fromkeys(_PATH.findall(message)))[:_PATHS_LIMIT]:
            inner = path.removeprefix(_WORK)
            if missing := next((name for name in self._around.submodules if inner.startswith(f"{name}/")), None):
                return _name_submodule(missing)
            if inner.endswith(".py") or basename(inner) not in self._names:
                continue
            for file in sorted(self._around.paths):
                if file == inner or file.endswith(f"/{inner}"):
                    if (self._around.read(file) or "").startswith(POINTER):
                        return f"the content of {file} is not there: run `git lfs pull`"
                    break
        return ""


def _name_submodule(path: str) -> str:
    return f"the submodule {path} is not there: run `git submodule update --init`"


def _list_modules(path: str, paths: Collection[str]) -> Iterator[str]:
    """Yield the first names by which a module, or what is compiled into one, may be imported.

    A folder in a package is none, nor is one in a folder of tests: they are often called like the library they are for.
    """
    file = PurePosixPath(path)
    if file.suffix not in _MODULE_FILES:
        return
    yield file.parts[0].partition(".")[0]
    for part in (file, *(() if is_test_file(path) else file.parents)):
        if f"{part.parent}/__init__.py" not in paths:
            yield part.name.partition(".")[0]


def _list_raised(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the types and texts of the exceptions in a traceback, empty where the code or a mock plays one."""
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else " "
        # An exception begins a block of lines of its own: marked by pytest, or not indented below its frames.
        is_first = not before.startswith("E ") if line.startswith("E ") else before.startswith(" ")
        match = _RAISED.match(line) if is_first else None
        if match and (match["text"] or match["type"][:1].isupper()):
            yield ("", "") if _is_raised_here(lines, number) else (match["type"], match["text"] or "")


def _is_raised_here(lines: list[str], number: int) -> bool:
    files = [match for line in lines[:number] if (match := _FRAME.match(line))]
    end = next((later for later in range(number, len(lines)) if not lines[later].startswith("E ")), number)
    # In pytest's long form a frame is named below its lines.
    below = next((match for line in lines[end : end + 2] if (match := _FRAME.match(line))), None)
    frame = below or (files[-1] if files else None)
    if frame is None:
        return False
    file = next(filter(None, frame.groups()))
    statement = next((line for line in reversed(lines[:number]) if line.strip(" ^~")), "")
    is_ours = file.startswith(_WORK) or not file.startswith(("/", "..", "<"))
    return file.endswith("unittest/mock.py") or (is_ours and statement.lstrip("> ").startswith("raise "))
