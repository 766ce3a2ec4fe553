import json
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydranet.text.escaping import (
    clean_text,
    escape_controls,
    escape_json,
    escape_markdown,
    format_block,
    format_code,
    format_command,
)

# Two that join letters and emoji, and format characters that are drawn: number signs, and joins of hieroglyphs.
DRAWN = {0x200C, 0x200D, *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
DRAWN |= set(range(0x13430, 0x13440))
ANYTHING = st.text(st.characters(categories=None))


def test_every_character_of_unicode_that_steers_is_shown() -> None:
    steering = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    raw = {
        code
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in steering and escape_controls(chr(code)) == chr(code)
    }
    assert raw - DRAWN == {0x09, 0x0A}


@given(ANYTHING)
def test_escaping_twice_is_escaping_once(text: str) -> None:
    assert escape_controls(escape_controls(text)) == escape_controls(text)
    assert len(escape_controls(text)) == len(text)


@given(ANYTHING)
def test_json_keeps_its_meaning_and_steers_nothing(text: str) -> None:
    shown = escape_json(json.dumps({"a": text}, ensure_ascii=False))
    assert json.loads(shown) == json.loads(json.dumps({"a": text}))
    assert escape_controls(shown) == shown


@given(ANYTHING)
def test_clean_text_can_be_stored(text: str) -> None:
    cleaned = clean_text(text)
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert clean_text(cleaned) == cleaned


def test_halves_of_a_character_that_came_apart_are_joined() -> None:
    assert clean_text("\ud83d\ude00\0\ud83d x") == "\U0001f600\ufffd\ufffd x"


WORDS = [
    "plain",
    "two words",
    "a'b",
    "$(id)`id`",
    "; rm -rf ~",
    "-x",
    "",
    "\x1b[2J",
    "a\nb",
    "\u202eé'\\",
    "\udc9b\udcff",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_printed_command_means_its_words_to_a_shell(word: str) -> None:
    line = format_command("printf", "%s", word)
    assert escape_controls(line) == line
    assert "\n" not in line
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")


def test_what_steers_a_terminal_or_turns_text_around_is_shown() -> None:
    assert escape_controls("a\x1b[31mb\x00\x7f") == "a␛[31mb␀␡"
    assert escape_controls("\x9bx \u202ey\u2069 \ud800") == "\ufffdx \ufffdy\ufffd \ufffd"
    assert escape_controls("tab\tline\nz é 木") == "tab\tline\nz é 木"


def test_a_line_of_json_steers_nothing_and_loses_nothing() -> None:
    value = {"sender": "ann\x1b[2J\x9b\u202e\n\t", "é": ["木", 1.5, None]}
    line = escape_json(json.dumps(value, ensure_ascii=False))
    assert line == '{"sender": "ann\\u001b[2J\\u009b\\u202e\\n\\t", "é": ["木", 1.5, null]}'
    assert json.loads(line) == value


def test_markdown_is_escaped_and_stays_on_one_line() -> None:
    assert escape_markdown("<b> *x* _y_ `z` [a](b) | # ~~s~~ &amp; $m$") == (
        "\\<b\\> \\*x\\* \\_y\\_ \\`z\\` \\[a\\](b) \\| \\# \\~\\~s\\~\\~ \\&amp; \\$m\\$"
    )
    assert escape_markdown("a\r\nb\u2028c\x0bd") == "a b c d"


@pytest.mark.parametrize(
    ("text", "shown"), [("- item", "\\- item"), ("1. item", "1\\. item"), ("===", "\\==="), ("2 + 2 = 4", "2 + 2 = 4")]
)
def test_nothing_begins_a_list_or_a_rule(text: str, shown: str) -> None:
    assert escape_markdown(text) == shown


def test_backticks_cannot_close_a_code_span_or_block() -> None:
    assert format_code("a `` b") == "```a `` b```"
    assert format_code("`a") == "`` `a ``"
    assert format_block(["```", "# x\n# y"], "diff") == "````diff\n```\n# x # y\n````"
