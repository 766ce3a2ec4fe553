"""Tracebacks: the error that test output is about, and the frames that led to it.

Reads what pytest (long, short, native and line style), unittest, doctest, the Python interpreter,
Node (plain, its own test runner, Jest, Mocha) and Go print. The output is untrusted: every line is
bounded, and no pattern takes more than linear time on a line.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from hydranet.convergence.frames import PYTHON_FRAME, Frame

_HEAD, _TAIL, _LINE = 96_000, 160_000, 1_000

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

# Where the report of one failing test begins.
_REPORT = re.compile(
    r"_{3,} (?P<pytest>\S.*) _{3,}$|={20,}$|\*{20,}$|={3,} FAILURES ={3,}$|={3,} ERRORS ={3,}$|\s*● \S"
    r"|\s*--- FAIL: (?P<go>\S+)|\s+\d{1,4}\) \S|not ok \d|✖ \S"
)
_SECTION = re.compile(r"={3,} .* ={3,}$|-{3,} Captured |-{3,} generated xml")
_CHAINED = re.compile(r"(?:During handling of|The above exception was)")
_SUMMARY = re.compile(r"(?:FAILED|ERROR) (?P<file>[^\s:]{1,400})(?:::(?P<test>\S+))? - (?P<error>.+)$")

_ERROR = re.compile(r"(?P<type>(?:\w{1,200}\.){0,20}[^\W\d]\w{0,200})(?: \[\w{1,80}\])?(?:: ?(?P<message>.*))?$")
_ERROR_NAME = re.compile(r"(?:Error|Exception|Failure|Failed|Timeout|Exit|Interrupt|Group|Fault)$")
_PLACE = re.compile(
    r"(?P<path>[^\s:\"'|>][^:\"'|]*):\d+:"
    r"(?: in (?P<function>\S.*)|\s*(?P<error>[^\W\d][\w.]*(?:: .*)?)|\s*(?P<assert>assert\s.*)|\s*)$"
)
_DEFINITION = re.compile(r"\s{1,12}(?:async )?def (\w+)")
_MARKED = re.compile(r">\s+(\S.*)$")
_DOCTEST = re.compile(r"\d{3,} +>>> (.*)$")
_NODE = re.compile(
    r"\s+(?=\S)(?:at )?(?:async )?(?:(?P<function>[^()]{1,200}) )?\(?(?P<path>[^()\s]+?):\d+(?::\d+)?\)?$"
)
_NODE_TEST = re.compile(r"\s*(?:not ok \d+ - |✖ |● )(\S.*?)(?: \([\d.]+ms\))?$")
_NODE_THROWN = re.compile(r"(?P<path>(?:file://)?/\S+\.[cm]?[jt]sx?):(?P<line>\d{1,7})$")
_NODE_FIELD = re.compile(r"\s+(?P<key>error|name): (?P<value>\S.*)$")
_EXPECT = re.compile(r"\s+(expect\(.*\).*)$")
_GO_FRAME = re.compile(r"\t(?P<path>\S+\.go):\d+")
_GO_LOG = re.compile(r"\s+(?P<path>[\w./-]+_test\.go):\d+: (?P<message>.*)$")
_GO_BUILD = re.compile(r"(?P<path>[\w./-]+\.go):(?P<line>\d{1,7}):\d+: (?P<message>.*)$")

# What pytest's long style shows of code around a line that failed, and what says nothing.
_AROUND = re.compile(r"\s|(?:async )?def |class |@|_ _ _|self = <|E(?:\s+Use -v to get more diff)?$")

_TIMED_OUT = re.compile(
    r"(?!E\s|FAILED |ERROR |[\w.]*(?:Error|Exception|Timeout|Failed): ).{0,100}\btimed out after [\d.]+ ?s"
)
_SIGNALLED = re.compile(
    r"(?:\S{1,100}: (?:line \d+: )?)?(?: *\d+ )?(Killed|Segmentation fault|Bus error|Aborted|Illegal instruction)"
    r"(?: +\(core dumped\).*|\s\s.*)?$"
)


class RaisedError(NamedTuple):
    """An error and its frames, outermost first; `placed` is False for a line that only looks like one."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    placed: bool = True


def split_lines(output: str) -> list[str]:
    """Return the lines of test output without escapes and blank lines; the middle of long output is left out."""
    if len(output) > _HEAD + _TAIL:
        output = f"{output[:_HEAD]}\n{output[-_TAIL:]}"
    clean = _CONTROLS.sub("", _ESCAPES.sub("", output.replace("\r\n", "\n").replace("\r", "\n")))
    return [line[:_LINE].rstrip() for line in clean.split("\n") if line and not line.isspace()]


def extract_essence(message: str) -> str:
    """Return a traceback without the code around the lines that failed.

    Only pytest's long style has such code; any other traceback comes back as it is.
    """
    lines = split_lines(message)
    if not any(line.startswith(">") for line in lines):
        return message
    return "\n".join(line for line in lines if not _AROUND.match(line))


def find_reported(output: Iterable[str]) -> RaisedError | None:
    """Return the error with which the report of the first failing test ends, first by name: runners shuffle."""
    for report in sorted(_reports(output)[1:], key=_heading):
        if chains := _chains(report):
            return chains[0][-1]
    return None


def find_printed(output: Iterable[str]) -> RaisedError | None:
    """Return the last error printed outside of any report, as a plain script ends with it."""
    chains = _chains(_reports(output)[0])
    return chains[-1][-1] if chains else None


def find_summarised(output: Iterable[str]) -> RaisedError | None:
    """Return the first error of pytest's short summary, which may be cut."""
    for line in output:
        if (match := _SUMMARY.match(line)) and (error := _error(match["error"])):
            return RaisedError(*error, (Frame(match["file"], (match["test"] or "").rpartition("::")[2]),))
    return None


def _reports(output: Iterable[str]) -> list[list[str]]:
    reports: list[list[str]] = [[]]
    keep = True
    for line in output:
        if _REPORT.match(line):
            reports.append([line])
            keep = True
        elif _SECTION.match(line):
            keep = False
        elif keep:
            reports[-1].append(line)
    return reports


def _heading(report: list[str]) -> list[str]:
    return [line.strip(" _=") for line in report[:2]]


def _chains(report: list[str]) -> list[list[RaisedError]]:
    reader = _Reader()
    for line, following in pairwise([*report, ""]):
        reader.read(line, following)
    reader.close()
    placed = [[error for error in chain if error.placed] for chain in reader.chains]
    return [chain for chain in placed if chain] or [chain for chain in reader.chains if chain]


def _error(text: str) -> tuple[str, str] | None:
    """Type and message of a line such as `ValueError: bad`, `pkg.Error` or a bare `assert 1 == 2`."""
    if text.startswith("assert "):
        return "AssertionError", text
    if match := _ERROR.match(text):
        return match["type"].rpartition(".")[2], (match["message"] or "").strip()
    return None


class _Reader:
    """Reads a report line by line."""

    def __init__(self) -> None:
        self.chains: list[list[RaisedError]] = []
        self._chained = False
        self._error: RaisedError | None = None
        self._frames: list[Frame] = []
        self._quoted: list[str] = []
        self._indent = 0
        self._function = ""
        self._source = ""
        self._test = ""
        self._thrown: Frame | None = None

    def read(self, line: str, following: str) -> None:
        """Take one line; `following` is the one after it."""
        if line[:2] in ("E", "E "):
            self._quoted.append(line[1:])
            if following[:2] not in ("E", "E "):
                self._read_quoted()
            return
        line = re.sub(r"^\s*[|+] (?=\s*\S)", "", line)
        readers = (self._read_chain, self._read_python, self._read_pytest, self._read_doctest, self._read_node)
        if not any(reader(line, following) for reader in (*readers, self._read_go)):
            self._read_plain(line)

    def close(self) -> None:
        """Finish the error that is being read."""
        if self._error is None:
            return
        error = self._error._replace(frames=(*self._error.frames, *self._frames))
        if not (self._chained and self.chains):
            self.chains.append([])
        self.chains[-1].append(error)
        self._chained, self._error, self._frames = False, None, []

    def _raise(self, error: tuple[str, str], *, placed: bool = True) -> None:
        self.close()
        self._error = RaisedError(*error, tuple(self._frames), placed)
        self._frames = []

    def _call(self, path: str, function: str | None, source: str, line: str = "0") -> None:
        self._frames.append(Frame(path, function or "", source, int(line)))

    def _read_chain(self, line: str, _: str) -> bool:
        if not _CHAINED.match(line.lstrip()):
            return False
        self.close()
        self._chained = bool(self.chains)
        return True

    def _read_python(self, line: str, following: str) -> bool:
        if line.lstrip().startswith(("Traceback (most recent", "Exception Group Traceback")):
            self.close()
            self._frames = []
            self._indent = len(line) - len(line.lstrip())
            return True
        if match := PYTHON_FRAME.match(line):
            self.close()
            self._indent = max(0, len(match["indent"]) - 2)
            self._call(match["path"], match["function"], following.strip(" |"), match["line"])
            return True
        return False

    def _read_quoted(self) -> None:
        """Read pytest's `E` lines: the least indented one names the error, others tell more."""
        quoted, self._quoted = [line for line in self._quoted if line.strip()], []
        if not quoted:
            return
        margin = min(len(line) - len(line.lstrip()) for line in quoted)
        heads = [line.strip() for line in quoted if line[margin : margin + 1].strip()]
        kind, message = _error(heads[0]) or ("", heads[0])
        if not message and len(heads) > 1:
            message = heads[1]
        for line, following in pairwise([*quoted, ""]):
            if match := PYTHON_FRAME.match(line):
                self._call(match["path"], match["function"], following.strip(), match["line"])
        self._raise((kind, message))

    def _read_pytest(self, line: str, following: str) -> bool:
        if match := _MARKED.match(line):
            self._source = match[1]
            return True
        if (match := _DEFINITION.match(line)) and not self._function:
            self._function = match[1]
            return False
        match = _PLACE.match(line)
        if not match:
            return False
        if match["function"]:
            self.close()
            self._indent = 0
            self._call(match["path"], match["function"], following.strip())
            return True
        kind = _error(match["error"] or "")
        if kind and self._error is not None:
            self._error = self._error._replace(type=kind[0])
        elif kind:
            if not _ERROR_NAME.search(kind[0]):
                return False
            self._raise((kind[0], kind[1] or self._source))
        self._call(match["path"], self._function, self._source)
        self._function = self._source = ""
        self.close()
        return True

    def _read_doctest(self, line: str, following: str) -> bool:
        if match := _DOCTEST.match(line):
            self._source = match[1]
        elif line.strip() == "Failed example:":
            self._raise(("DocTestFailure", following.strip()))
        elif line.strip() == "Exception raised:":
            self._error = None
        else:
            return line.startswith("UNEXPECTED EXCEPTION: ")
        return True

    def _read_node(self, line: str, following: str) -> bool:
        if match := _NODE_TEST.match(line):
            self._test = match[1]
        elif match := _NODE_THROWN.match(line):
            self._thrown = Frame(match["path"], "", following.strip(), int(match["line"]))
        elif match := _EXPECT.match(line):
            self._raise(("AssertionError", match[1]))
        elif match := _NODE_FIELD.match(line):
            value = following.strip() if match["value"] == "|-" else match["value"].strip("'\"")
            if match["key"] == "error":
                self._raise(("Error", value), placed=False)
            elif self._error is not None:
                self._error = self._error._replace(type=value)
        elif (match := _NODE.match(line)) and self._error is not None:
            function = match["function"] or ""
            if function.startswith(("Object.", "Context.", "TestContext.")):
                function = self._test or function
            # Node prints the deepest call first.
            frames = (Frame(match["path"], function), *self._error.frames)
            self._error = self._error._replace(frames=frames, placed=True)
        else:
            return False
        return True

    def _read_go(self, line: str, following: str) -> bool:
        if match := re.match(r"\s*--- FAIL: (\S+)", line):
            self._test = match[1]
        elif line.startswith("panic: "):
            self._raise(("panic", line.removeprefix("panic: ").partition(" [recovered")[0]))
        elif (match := _GO_FRAME.match(following)) and self._error is not None:
            function = re.sub(r"\([^()]*\)$", "", line).rpartition(".")[2]
            frame = Frame(match["path"], function)
            self._error = self._error._replace(frames=(frame, *self._error.frames))
        elif (match := _GO_LOG.match(line)) or (match := _GO_BUILD.match(line)):
            self._raise(("FAIL" if self._test else "BuildError", match["message"]))
            self._call(match["path"], self._test, "", match.groupdict().get("line", "0"))
            self.close()
        else:
            return False
        return True

    def _read_plain(self, line: str) -> None:
        error = None if line.lstrip().startswith("assert ") else _error(line.strip().removeprefix("Sorry: "))
        if error is None:
            return
        if self._frames and self._error is None:
            # Within a traceback only the line below the frames names the error; others are code.
            if len(line) - len(line.lstrip()) == self._indent:
                self._raise(error)
        elif _ERROR_NAME.search(error[0]):
            self._raise(error, placed=False)
            if self._thrown:
                self._frames.append(self._thrown)
                self._thrown = None


def find_crashes(output: list[str]) -> Iterator[tuple[str, str]]:
    """Type and message of what ended the whole test run from outside: a time limit, a crash, a kill."""
    for line in output[-3:]:
        if _TIMED_OUT.match(line):
            yield "Timeout", ""
        elif match := re.match(r".{0,100}\bkilled by (SIG\w+)", line):
            yield match[1], ""
    for line in output:
        if match := re.match(r"Fatal Python error: (.*)", line):
            yield "FatalError", match[1]
        elif match := _SIGNALLED.match(line):
            yield match[1].title().replace(" ", ""), ""
        elif re.match(r"\++ Timeout \++$", line):
            yield "Timeout", ""
        elif "heap out of memory" in line:
            yield "OutOfMemory", ""
