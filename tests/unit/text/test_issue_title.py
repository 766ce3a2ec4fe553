"""The title of an issue is its first sentence that says something."""

import time

import pytest

from hydranet.text.issue_title import find_title

WRONG = "An order of ten pieces gets no discount"


@pytest.mark.parametrize(
    "issue",
    [
        WRONG,
        f"# {WRONG}\n\nMore.",
        f"## Describe the bug\n{WRONG}\n",
        f"### Bug description\n\n**{WRONG}**\n\n### Steps to reproduce",
        f"**Describe**\n> {WRONG}",
        f"**Describe the bug:**\n\n{WRONG}",
        f"<!-- Please search first.\nThanks! -->\n### What happened?\n- {WRONG}",
        f"- [x] I have searched the issues\n- [ ] I have read the manual\n\n1. {WRONG}",
        f"```\ntraceback\n```\n---\n{WRONG}",
        f"### What did you expect to happen?\n{WRONG}",
    ],
)
def test_the_first_line_that_says_something_is_the_title(issue: str) -> None:
    assert find_title(issue) == WRONG


def test_a_long_line_is_cut_after_its_first_sentence() -> None:
    assert find_title(f"{WRONG}. {'And so on. ' * 20}") == f"{WRONG}."
    assert find_title("十件商品的订单没有折扣。" + "其他说明" * 40) == "十件商品的订单没有折扣。"


@pytest.mark.parametrize("issue", ["## Description", "```\nx\n```", "...", "\n\n!"])
def test_an_issue_that_says_nothing_keeps_its_first_line(issue: str) -> None:
    assert find_title(issue).strip()


@pytest.mark.parametrize("part", ["# ", "<!--", "a" * 65_536, "* _ ", "- [x] y\n", "a. ", "1) "])
def test_a_hostile_issue_takes_no_time(part: str) -> None:
    begun = time.process_time()
    find_title(part * (65_536 // len(part)))
    assert time.process_time() - begun < 1.0
