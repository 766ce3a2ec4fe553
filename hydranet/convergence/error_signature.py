"""Error signatures: what identifies an error however its text varies."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import BoundedModel, Line, Name
from hydranet.convergence import frames, tracebacks
from hydranet.convergence.frames import Frame
from hydranet.convergence.tracebacks import RaisedError
from hydranet.text.truncation import keep_distinct


class ErrorClass(StrEnum):
    """The kind of an error, which routes the next prompt."""

    SYNTAX = "syntax"
    TYPE = "type"
    RUNTIME = "runtime"
    ASSERTION = "assertion"
    IMPORT = "import"
    TIMEOUT = "timeout"
    RESOURCE = "resource"
    UNKNOWN = "unknown"


class ErrorSignature(BoundedModel):
    """Error type, normalised message and the deepest frame inside the repository.

    `named` are the names that the message quotes and its normal form leaves out; `line` and `code` are the place
    of a syntax error. They do not count when signatures are compared.
    """

    type: Name
    message: Line = ""
    file: Name = ""
    function: Name = ""
    error_class: ErrorClass = ErrorClass.UNKNOWN
    named: Annotated[tuple[Name, ...], Field(max_length=4)] = ()
    line: int = 0
    code: Line = ""

    def matches(self, other: "ErrorSignature") -> bool:
        """Return whether it is the same error again."""
        uncompared = {"named": other.named, "line": other.line, "code": other.code}
        return self.model_copy(update=uncompared) == other


_CLASSES = {
    **dict.fromkeys(("SyntaxError", "IndentationError", "TabError", "BuildError"), ErrorClass.SYNTAX),
    **dict.fromkeys(("TypeError", "AttributeError"), ErrorClass.TYPE),
    **dict.fromkeys(("ImportError", "ModuleNotFoundError"), ErrorClass.IMPORT),
    **dict.fromkeys(("AssertionError", "Failed", "DocTestFailure", "FAIL"), ErrorClass.ASSERTION),
    **dict.fromkeys(("Timeout", "TimeoutError", "TimeoutExpired"), ErrorClass.TIMEOUT),
    **dict.fromkeys(("MemoryError", "Killed", "SIGKILL", "OutOfMemory"), ErrorClass.RESOURCE),
    "Error": ErrorClass.RUNTIME,
    "": ErrorClass.UNKNOWN,
}
_BY_MESSAGE = (
    (re.compile(r"Timeout\b|timed out"), ErrorClass.TIMEOUT),
    # Jest throws a plain Error.
    (re.compile(r"expect\("), ErrorClass.ASSERTION),
    (re.compile(r"Cannot find (?:module|package)|ERR_MODULE_NOT_FOUND"), ErrorClass.IMPORT),
    (
        re.compile(r"(?:\[Errno \d+\] )?(?:No space left|Too many open files|Cannot allocate memory)"),
        ErrorClass.RESOURCE,
    ),
)
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|testing|__tests__)/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.\w+$|\.(?:test|spec)\."
)
_PASSED = re.compile(r"=*\s*\d+ passed\b(?!.*\b(?:failed|errors?)\b)|OK\b|PASS\b|ok\s")
# Runners that print more after the line that says so.
_ALL_PASSED = re.compile(
    r"Tests:\s+(?:\d+ (?:skipped|todo), )*\d+ passed, \d+ total|\s*Tests\s+\d+ passed\b(?!.*failed)|\s*\d+ passing\b"
    r"|\S fail 0$|test result: ok\."
)
_SOME_FAILED = re.compile(r"\s*\d+ failing\b|test result: FAILED|Tests?:?\s.*\d+ failed")
_PLACED = re.compile(r"\.\w{1,5}:\d")
_LINE_IN_MESSAGE = re.compile(r"\(\S+, line (\d{1,7})\)$")
_TELLING = re.compile(r"error|fail|panic|exception", re.IGNORECASE)


def extract_signature(output: str) -> ErrorSignature | None:
    """Return the signature of the error that test output is about; None when it tells of none.

    Of several failing tests the first one counts, of chained errors the one that was raised last. The
    repository lies at /work or is where relative paths begin.
    """
    lines = tracebacks.split_lines(output)
    if error := tracebacks.find_reported(lines):
        return _signature(error)
    if crash := next(tracebacks.find_crashes(lines), None):
        return _signature(RaisedError(*crash))
    printed = tracebacks.find_printed(lines)
    error = printed if printed and printed.placed else tracebacks.find_summarised(lines) or printed
    return _signature(error) if error else _unknown(lines)


def normalise(message: str) -> str:
    """Return the part of a message that stays the same when the same error happens again.

    Values (quoted text, numbers, dates, durations, addresses, ids, containers of them) become `#`,
    paths outside the repository `<path>`; names that the interpreter quotes are kept. A long result is
    cut, but ends in a digest of the whole.
    """
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2]} {message[-_LONGEST // 2 :]}"
    names: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        if not match["name"]:
            return "#"
        names.append(match["name"])
        return _ASIDE

    text = _PATH.sub(_inside, _URL.sub("<url>", message.replace(_ASIDE, "#")))
    text = _QUOTED.sub(set_aside, text)
    text = _VOLATILE.sub("#", text)
    text = _WORD.sub(lambda match: _plain(match[0]), text)
    for _ in range(6):
        text = _CONTAINER.sub("#", _SEQUENCE.sub("#", text))
    for name in names:
        text = text.replace(_ASIDE, name, 1)
    text = " ".join(text.split())
    return keep_distinct(text, 300)


_LONGEST = 2_000
_URL = re.compile(r"\b[a-z][a-z+]{1,9}://[^\s'\"<>]+")
_PATH = re.compile(r"(?<![\w.<])(?:~?(?:/[\w.@+~-]+)+/?|[A-Za-z]:\\[^\s'\"]*)(?::\d+)*")
_ASIDE = "\ue000"
_QUOTED = re.compile(
    r"""(?P<name>
      ^\s*'[A-Za-z_][A-Za-z_.-]{0,59}'\s*$ |
      unsupported\ operand\ type\(s\)\ for\ [^\s']{1,20}(?:\ or\ \S{1,20})?:\ '[\w.]+'(?:\ and\ '[\w.]+')?
    | '[<>=!]+'\ not\ supported\ between\ instances\ of\ '[\w.]+'\ and\ '[\w.]+'
    | '[\w.]+'\ object\ (?:has\ no\ attribute\ '\w+'|is\ not|does\ not|cannot|can't)
    | (?:type\ object|module|partially\ initialized\ module)\ '[\w.]+'\ has\ no\ attribute\ '\w+'
    | ^name\ '\w+'\ is\ not\ defined | \b(?:local|free)\ variable\ '\w+' | ^object\ of\ type\ '\w+'
    | \bkeyword\ argument\ '\w+' | ^fixture\ '\w+'\ not\ found | \((?:reading|setting)\ '[^']{1,60}'\)
    | \b(?:No\ module\ named|import\ name)\ '[\w.]+'(?:\ from\ '[\w.]+')?
    | \bpositional\ arguments?:\ '\w+'(?:(?:,|\ and|,\ and)\ '\w+')*
    | \(not\ "\w+"\)
    | Cannot\ find\ (?:module|package)\ '[^'\\]{1,120}'
    )
    | (?<![\w'"])[bBrRuUfF]{0,2}(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?!\w)
    | (?<![\w`])`[^`]*`(?!\w)
    | (?<![\w'"])[bBrRuUfF]{0,2}['"][^'"]*$""",
    re.VERBOSE,
)
_NAMED = re.compile(r"""(?<![\w'"])(?:'|")([A-Za-z_][\w.-]{0,59})['"](?!\w)""")
_UNIT = r"(?:[nuµm]?s|secs?|seconds?|m|mins?|minutes?|h|hours?|days?|[kKMGT]i?B|bytes)\b"
_DAY = r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
)
_VOLATILE = re.compile(
    rf"""\b[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}\b
    | \b0x[0-9a-fA-F]+
    | \btmp\w{{8}}\b
    | (?:\b{_DAY},?\ )?\b{_MONTH}\.?\ +\d{{1,2}}\b
    | (?:\b{_DAY},?\ )?\b\d{{1,2}}[ -]{_MONTH}\b
    | (?<![\w.])[-+]?\d+(?:\.\d+)?\ ?{_UNIT}
    | (?<![\w.])[-+]?\.?\d+(?:[.,:_/-]\d+)*(?:[eE][-+]?\d+)?(?:T\d+(?:[:.]\d+)*Z?)?(?!\w)""",
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W_]*\d[^\W_]*")
_SEQUENCE = re.compile(r"#(?:[\s,;:./|-]*(?:\.{3}|#))+")
_CONTAINER = re.compile(
    r"(?<![\w\])])[\[({][\s,:]*(?:#|\.{3})?[\s,:]*[\])}]|\b(?:set|dict|frozenset|deque|array)\(#?\)"
)
_LITERAL = re.compile(r"\b(?:None|True|False|nan|inf)\b")


def _inside(match: re.Match[str]) -> str:
    path = frames.find_deepest_frame([Frame(re.sub(r"(?::\d+)+$", "", match[0]))]).path
    return path if match[0].startswith(frames.ROOT) and path else "<path>"


def _plain(word: str) -> str:
    digits = re.findall(r"\d+", word)
    drawn = len(digits) > 1 or (word[0].isalpha() and word[-1].isalpha()) or re.fullmatch(r"[\da-f]{6,}", word)
    return "#" if drawn else re.sub(r"\d+", "#", word)


def _signature(error: RaisedError) -> ErrorSignature:
    frame = frames.find_deepest_frame(error.frames)
    error_class = _classify(error)
    message = normalise(error.message)
    if error_class is ErrorClass.ASSERTION:
        message = _assertion(error, frame, message)
    line, code = _find_place(error, frame) if error_class is ErrorClass.SYNTAX else (0, "")
    return ErrorSignature(
        type=(error.type or "Error")[:200],
        message=message,
        file=frame.path[-200:],
        function=frame.function[:200],
        error_class=error_class,
        named=_named(error.message, message),
        line=line,
        code=code,
    )


def _find_place(error: RaisedError, frame: Frame) -> tuple[int, str]:
    quoted = _LINE_IN_MESSAGE.search(error.message)
    return frame.line or (int(quoted[1]) if quoted else 0), frame.source.strip()[:300]


def _named(message: str, normal: str) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(_NAMED.findall(message[:_LONGEST])) if name not in normal)[:4]


def _assertion(error: RaisedError, frame: Frame, message: str) -> str:
    """Prefer the assertion as the test holds it: its code stays the same, whatever the values are."""
    if error.type == "DocTestFailure":
        return error.message
    code = " ".join(frame.source.split())
    if code and code != "???" and _TESTS.search(frame.path):
        return code if code.count("(") == code.count(")") else f"{code} {message}"
    return _SEQUENCE.sub("#", _LITERAL.sub("#", message))


def _classify(error: RaisedError) -> ErrorClass:
    for pattern, error_class in _BY_MESSAGE:
        if pattern.match(error.message):
            return error_class
    return _CLASSES.get(error.type, ErrorClass.RUNTIME)


def _has_passed(lines: list[str]) -> bool:
    if _PASSED.match(lines[-1]):
        return True
    last = lines[-20:]
    after = next((last[index + 1 :] for index, line in enumerate(last) if _ALL_PASSED.match(line)), None)
    return after is not None and not any(map(_TELLING.search, after)) and not any(map(_SOME_FAILED.match, lines))


def _unknown(lines: list[str]) -> ErrorSignature | None:
    if not lines or _has_passed(lines):
        return None
    # The first one, best with a place, and what follows it: the last is often a footer that is always the same.
    telling = [number for number, line in enumerate(lines) if _TELLING.search(line)] or [len(lines) - 1]
    start = next((number for number in telling if _PLACED.search(lines[number])), telling[0])
    return ErrorSignature(type="Unknown", message=normalise(" ".join(lines[start : start + 2])))
