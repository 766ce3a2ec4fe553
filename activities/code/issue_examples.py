"""Examples in an issue that can be run: what a call should give or not raise, without a model.

They stand in interpreter sessions, in blocks of code with comments or asserts, and in sentences about a call in
backticks. What an example should give is only taken where the issue says so or shows it.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import dedent

from hydranet.contracts.expectations import CODE_CHARACTERS, EXPECTATIONS, Expectation, ExpectationKind

_ISSUE_CHARACTERS = 65_536
_LITERAL_CHARACTERS = 2_000
_SHOWN = 80
# Characters between a block of code and what is said of it, and of the output in a block of its own.
_NEAR, _OUTPUT_CHARACTERS = 400, 8_000

_FENCE = re.compile(r"^(?P<mark>```+|~~~+)[^\n]*\n(?P<code>.*?)^(?P=mark)[ \t]*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]{1,400})`")
_PROMPT = re.compile(r"^\s*(?:>>>|In \[\d+\]:) ?(?P<code>.*)$", re.MULTILINE)
_MORE = re.compile(r"^\s*(?:\.\.\.:?|\s+\.\.\.:) ?(?P<code>.*)$")
_RAISED = re.compile(r"^\s*(?P<type>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt))\b(?::|$)")
_ERROR = r"`?(?P<error>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception))`?"

_GIVES = r"(?:return(?:s|ed)?|giv(?:es|en)|gave|is|was|yields?|produces?|prints?|evaluates to|results? in|equals?)"
_WANTED = (
    r"(?:instead of|rather than|but (?:i )?expected"
    r"|(?:i )?expect(?:ed|s|ing)?(?: (?:result|output|value|behaviou?r))?(?: (?:is|was))?"
    r"|should(?: have)? (?:be|been|return(?:ed)?|give|equal|yield|print|produce)|ought to be|must (?:be|return|equal))"
    r"(?: (?:it )?(?:to (?:be|return|equal)|returning))?\s*:?"
)
_SHOULD = re.compile(_WANTED, re.IGNORECASE)
_SHOULD_RAISE = re.compile(rf"(?:should|must|ought to|expected to) (?:raise|throw)s? (?:an? )?{_ERROR}", re.IGNORECASE)
_RAISES = re.compile(rf"(?:raises?|throws?|fails? with|crash(?:es)? with|gives?|gets?|dies with) (?:an? )?{_ERROR}")
_NOW = re.compile(rf"\b(?:{_GIVES}|got|actual(?:ly)?(?: is)?|currently)\b\s*:?", re.IGNORECASE)
_ARROW = re.compile(r"^(?:=>|->|→|==)\s*")


@dataclass
class _Call:
    """An expression of the issue, with the statements before it, and what is shown or said of it."""

    code: str
    setup: str = ""
    shown: str | None = None
    wanted: str | None = None
    raised: str = ""
    is_right: bool = False


def find_examples(issue: str) -> list[Expectation]:
    """Return what the examples of an issue expect, each once; what is said comes before what is shown."""
    text = issue[:_ISSUE_CHARACTERS].replace("\r\n", "\n")
    calls = [*_read_sentences(_FENCE.sub("\n", text)), *_read_blocks(text)]
    kept: dict[tuple[str, str], Expectation] = {}
    for call in sorted(calls, key=lambda call: call.wanted is None):
        expectation = _expect(call)
        if expectation is not None:
            kept.setdefault((call.setup, _normalise(call.code)), expectation)
    return list(kept.values())[:EXPECTATIONS]


def _expect(call: _Call) -> Expectation | None:
    if len(call.code) > CODE_CHARACTERS // 4 or len(call.setup) > CODE_CHARACTERS:
        return None
    source = f'the issue\'s example "{" ".join(call.code.split())[:_SHOWN]}"'
    kind, code = ExpectationKind.HOLDS, call.code
    if call.is_right:
        pass
    elif call.wanted is not None and call.wanted.startswith("raise "):
        exception = call.wanted.removeprefix("raise ")
        return Expectation(kind=ExpectationKind.RAISES, code=code, exception=exception, setup=call.setup, source=source)
    elif call.wanted is not None or call.shown is not None:
        value = call.wanted if call.wanted is not None else call.shown
        code = f"({code}) is {value}" if value in ("None", "True", "False") else f"({code}) == {value}"
        code = code if _is_compound(call.code) else code.replace(f"({call.code})", call.code, 1)
    elif call.raised:
        kind = ExpectationKind.RUNS
    else:
        return None
    return Expectation(kind=kind, code=code, setup=call.setup, source=source, fails_with=call.raised)


def _read_sentences(text: str) -> Iterator[_Call]:
    """Yield the calls in backticks of which a sentence says what they should give or raise."""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`])|\n\s*\n|\n(?=\s*[-*] )", text):
        codes = [match for match in _INLINE.finditer(sentence) if _is_example(match[1])]
        for number, match in enumerate(codes):
            end = codes[number + 1].start() if number + 1 < len(codes) else len(sentence)
            call = _Call(match[1].strip())
            before, after = sentence[: match.start()], sentence[match.end() : end]
            if call.code.startswith("assert "):
                call.code = call.code.removeprefix("assert ")
            if _is_comparison(call.code):
                call.is_right = re.search(r"should|expect|must|assert", f"{before}{after}", re.IGNORECASE) is not None
                if call.is_right:
                    yield call
            elif _read_saying(call, after) or _read_saying(call, sentence[match.end() :]):
                yield call


def _read_saying(call: _Call, text: str) -> bool:
    """Read what a text behind a call says that it gives and should give; return whether it says enough."""
    if match := _SHOULD_RAISE.search(text):
        call.wanted = f"raise {match['error']}"
        return True
    if match := _RAISES.search(text):
        call.raised = match["error"].rpartition(".")[2]
    for match in _SHOULD.finditer(text):
        value = _read_literal(text[match.end() :])
        if value is not None:
            call.wanted = value
            return True
    return bool(call.raised)


def _read_blocks(text: str) -> Iterator[_Call]:
    blocks = [(match["code"], _read_after(text, match.end())) for match in _FENCE.finditer(text)]
    rest = _FENCE.sub("\n", text)
    blocks += [
        (match[0], rest[match.end() : match.end() + 400])
        for match in re.finditer(r"(?:^(?:[ \t]*>>>| {4}|\t)[^\n]*(?:\n(?!\s*\n\S)[^\n]+)*\n?)+", rest, re.MULTILINE)
    ]
    for code, after in blocks:
        calls = list(_read_session(code) if _PROMPT.search(code) else _read_source(dedent(code), after))
        saying = after.split("```")[0]
        if calls and calls[-1].wanted is None and not calls[-1].is_right:
            _read_saying(calls[-1], saying)
        yield from calls


def _read_after(text: str, end: int) -> str:
    """Return what stands behind a block: a few sentences, and the output that may follow them in a block of its own."""
    output = _FENCE.search(text, end, end + _OUTPUT_CHARACTERS)
    is_near = output is not None and output.start() - end < _NEAR
    return text[end : output.end()] if output is not None and is_near else text[end : end + _NEAR]


def _read_session(block: str) -> Iterator[_Call]:
    setup: list[str] = []
    entries: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if match := _PROMPT.match(line):
            entries.append((match["code"], []))
        elif (match := _MORE.match(line)) and entries and not entries[-1][1]:
            entries[-1] = (f"{entries[-1][0]}\n{match['code']}", [])
        elif entries:
            entries[-1][1].append(line)
    for source, output in entries:
        code, _, comment = _split_comment(source)
        if not _parses(code, "exec"):
            return
        if not _parses(code, "eval"):
            setup.append(code.rstrip())
            continue
        call = _Call(_unwrap_print(code), "\n".join(setup))
        printed = "\n".join(output).strip()
        if printed.startswith("Traceback") or any(_RAISED.match(line) for line in output):
            types = [match["type"] for line in output if (match := _RAISED.match(line))]
            call.raised = types[-1].rpartition(".")[2] if types else ""
        elif printed:
            first = re.split(r"\n\s*\n", printed)[0]
            call.shown = _read_literal(first, whole=True)
        _read_comment(call, comment or (_split_comment(first)[2] if printed and not call.raised else ""))
        yield call


def _read_source(source: str, after: str) -> Iterator[_Call]:
    """Yield what a block of code calls: what fails behind it, else what its asserts and comments say."""
    tree = _parse(source)
    if isinstance(tree, ast.Module):
        failing = _read_failing(tree, after)
        yield from [failing] if failing else _read_code(tree, source.splitlines())


def _read_failing(tree: ast.Module, after: str) -> _Call | None:
    """Return the last statement of a block of code behind which a traceback or an error is shown."""
    shown = [match["type"] for line in after.splitlines() if (match := _RAISED.match(line.removeprefix("> ")))]
    if not shown or not tree.body or isinstance(tree.body[-1], ast.ClassDef | ast.FunctionDef | ast.Import):
        return None
    setup = "\n\n".join(ast.unparse(node) for node in tree.body[:-1])
    return _Call(ast.unparse(tree.body[-1]), setup, raised=shown[-1].rpartition(".")[2])


def _read_code(tree: ast.Module, lines: Sequence[str]) -> Iterator[_Call]:
    """Yield the asserts of a block of code, and its calls with a comment that says what they should give."""
    setup: list[str] = []
    for node in tree.body:
        source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        match node:
            case ast.Assert(test=test):
                yield _Call(ast.unparse(test), "\n".join(setup), is_right=True)
            case ast.Expr(value=value):
                call = _Call(_unwrap_print(ast.unparse(value)), "\n".join(setup))
                following = lines[node.end_lineno] if node.end_lineno and node.end_lineno < len(lines) else ""
                comment = _split_comment(lines[(node.end_lineno or 1) - 1])[2]
                comment = comment or (following.lstrip("# ") if following.lstrip().startswith("#") else "")
                _read_comment(call, comment)
                yield call
            case _:
                setup.append(source)


def _read_comment(call: _Call, comment: str) -> None:
    text = comment.strip().lstrip("#").strip()
    if not text or _read_saying(call, text):
        return
    if match := _RAISED.match(text):
        call.raised = match["type"].rpartition(".")[2]
    elif not _NOW.match(text):
        call.shown = _read_literal(_ARROW.sub("", text), whole=True) or call.shown


def _read_literal(text: str, *, whole: bool = False) -> str | None:
    """Return the Python literal with which a text begins, in backticks or bare; with `whole` nothing may follow it."""
    text = text.strip()[:_LITERAL_CHARACTERS]
    if text.startswith("`"):
        inner = text[1:].partition("`")[0].strip()
        return inner if _is_literal(inner) else None
    if whole:
        return text if _is_literal(text) else None
    line = text.split("\n")[0]
    for end in range(len(line), 0, -1):
        value, following = line[:end], line[end : end + 1]
        # What ends a sentence ends no value.
        if value[-1] not in " .,;:!" and not (following.isalnum() or following == "_") and _is_literal(value):
            return value
    return None


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False
    return True


def _is_example(code: str) -> bool:
    """Return whether a code in backticks is an expression that calls something with values of its own."""
    bare = code.strip().removeprefix("assert ")
    if not _parses(bare, "eval"):
        return False
    tree = ast.parse(bare, mode="eval")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return (
        any(call.args or call.keywords or isinstance(call.func, ast.Attribute) for call in calls) and "..." not in bare
    )


def _is_comparison(code: str) -> bool:
    return isinstance(ast.parse(code, mode="eval").body, ast.Compare | ast.BoolOp | ast.UnaryOp)


def _is_compound(code: str) -> bool:
    return not isinstance(ast.parse(code, mode="eval").body, ast.Call | ast.Name | ast.Attribute | ast.Subscript)


def _unwrap_print(code: str) -> str:
    match ast.parse(code.strip(), mode="eval").body:
        case ast.Call(func=ast.Name(id="print"), args=[value], keywords=[]):
            return ast.unparse(value)
    return code.strip()


def _parse(code: str, mode: str = "exec") -> ast.AST | None:
    try:
        return ast.parse(code, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parses(code: str, mode: str) -> bool:
    return bool(code.strip()) and _parse(code.strip() if mode == "eval" else code, mode) is not None


def _split_comment(line: str) -> tuple[str, str, str]:
    """Split a line of code at its comment, which is no part of a string."""
    for place in (match.start() for match in re.finditer("#", line)):
        if _parses(line[:place].strip() or "0", "exec"):
            return line[:place], "#", line[place + 1 :]
    return line, "", ""


def _normalise(code: str) -> str:
    return ast.unparse(ast.parse(code, mode="eval")) if _parses(code, "eval") else code
