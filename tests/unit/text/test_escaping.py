import json

import pytest

from hydranet.text.escaping import escape_controls, escape_markdown, format_block, format_code, format_json


def test_what_steers_a_terminal_or_turns_text_around_is_shown() -> None:
    assert escape_controls("a\x1b[31mb\x00\x7f") == "a␛[31mb␀␡"
    assert escape_controls("\x9bx \u202ey\u2069 \ud800") == "\ufffdx \ufffdy\ufffd \ufffd"
    assert escape_controls("tab\tline\nz é 木") == "tab\tline\nz é 木"


def test_a_line_of_json_steers_nothing_and_loses_nothing() -> None:
    value = {"sender": "ann\x1b[2J\x9b\u202e\n\t", "é": ["木", 1.5, None]}
    line = format_json(value)
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
