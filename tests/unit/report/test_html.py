import base64
import hashlib
from html.parser import HTMLParser

import pytest

from hydranet.genealogy import Ending, Genealogy, PersonMessage
from hydranet.patches import Edit, Patch
from hydranet.report.html import render_html
from hydranet.text.escaping import escape_controls
from tests.unit.report.hostile import HARMLESS, HOSTILE, genealogy
from tests.unit.report.story import ambiguous, asking, attempt, branch, build_story, fixed, run

VOID = {"meta", "br"}


class Parsed(HTMLParser):
    """A page's tags, attributes and text; its tags must be balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def of(self, tag: str) -> list[str]:
        return [text for inside, text in self.texts if inside == tag]

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]

    @property
    def text(self) -> str:
        return " ".join(" ".join(text for _, text in self.texts).split())


def parsed(genealogy: Genealogy) -> Parsed:
    return Parsed(render_html(build_story(genealogy)))


@pytest.mark.parametrize("won", [True, False])
def test_hostile_text_is_shown_and_changes_nothing_else(won: bool) -> None:
    hostile, harmless = (parsed(genealogy(text, won=won)) for text in (HOSTILE, HARMLESS))
    assert hostile.tags == harmless.tags
    assert [(tag, name) for tag, name, _ in hostile.attributes] == [(tag, name) for tag, name, _ in harmless.attributes]
    assert hostile.values("class") == harmless.values("class")
    assert escape_controls(HOSTILE) in hostile.of("h1")
    assert escape_controls(HOSTILE) in hostile.of("del")
    assert not {"\x1b", "\x9b", "\u202e"} & set(hostile.text)


@pytest.mark.parametrize("run", [fixed(), genealogy(HOSTILE, won=False)], ids=["fixed", "hostile"])
def test_it_runs_and_loads_nothing(run: Genealogy) -> None:
    shown = parsed(run)
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base", "image", "use"} & set(shown.tags)
    assert not [name for _, name, _ in shown.attributes if name.startswith("on") or name in ("style", "src", "srcset")]
    assert "url(" not in "".join(shown.of("style"))
    assert "@import" not in "".join(shown.of("style"))


def test_its_policy_allows_its_own_style_sheet_only() -> None:
    shown = parsed(fixed())
    (style,) = shown.of("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" in (
        shown.values("content")
    )


def test_every_link_leads_to_a_place_in_the_page() -> None:
    shown = parsed(fixed())
    ids = shown.values("id")
    assert len(ids) == len(set(ids))
    assert shown.values("href")
    assert {link.removeprefix("#") for link in shown.values("href")} <= set(ids)


def test_the_verdict_the_fix_and_what_it_did_differently() -> None:
    shown = parsed(fixed())
    assert "Fixed in 1 min 30 s by b03" in shown.text
    assert shown.of("h2") == [
        *("What won", "What was checked", "Strategies", "What the Reaper saved", "Branch by branch", "The run")
    ]
    assert "hydra/fix-invoices" in shown.of("code")
    assert "It changed shop/voucher.py, which no other branch had touched." in shown.of("li")
    assert shown.of("del")[0] == "    return price - amount"
    assert shown.of("ins")[0] == "    return max(price - amount, ZERO)"
    assert "only a part of this patch" not in shown.text


def test_what_the_tests_leave_open_is_asked_with_what_each_fix_does_and_how_to_answer() -> None:
    shown = parsed(ambiguous())
    assert shown.of("h2")[:4] == ["What won", "What was checked", "What the tests leave open", "What to try next"]
    assert "Ambiguous after 1 min 30 s: 2 fixes pass, and the tests cannot tell them apart." in shown.text
    assert "What is right for apply(40, []): that it returns 40, or that it returns 0?" in shown.of("b")
    assert "from shop.voucher import apply\napply(40, [])" in shown.of("pre")
    for text in (
        "5 candidates passed all tests, and behave in 2 ways in 34 calls.",
        "apply(40, [50]) returns 0 (ann@laptop)",
        "All 40 tests pass. They were run again on a clean checkout.",
        "raises IndexError('pop from empty list')",
        "returns 0 (Return early without vouchers)",
        "no test makes this call as it is: vouchers = empty",
        "both are wrong: the search goes on",
    ):
        assert text in shown.of("dd")
    assert "hydra answer fix-shop-1a2b3c4d --value LITERAL" in shown.of("code")
    assert "What the tests leave open" in parsed(asking()).of("h2")
    assert "What the tests leave open" not in parsed(fixed()).of("h2")


def test_a_hostile_question_changes_nothing_else() -> None:
    hostile, harmless = (parsed(ambiguous(text)) for text in (HOSTILE, HARMLESS))
    assert hostile.tags == harmless.tags
    assert [(tag, name) for tag, name, _ in hostile.attributes] == [(tag, name) for tag, name, _ in harmless.attributes]
    assert not {"\x1b", "\x9b", "\u202e"} & set(hostile.text)


def test_every_attempt_is_a_point_coloured_by_what_came_of_it() -> None:
    shown = parsed(fixed())
    circles = [value for tag, name, value in shown.attributes if (tag, name) == ("circle", "class")]
    assert circles == ["alive", "alive", "dead", "alive", "dead", "passed"]
    assert sum(text.startswith("attempt ") for text in shown.of("title")) == 6
    assert "b01: convergence over attempts, threshold 0.75" in shown.of("title")


def test_every_branch_says_why_it_was_left_and_what_it_teaches() -> None:
    shown = parsed(fixed())
    assert shown.of("dt").count("Why it was left") == 2
    assert shown.of("dt").count("What passed") == 1
    assert shown.of("dt").count("Rules out") == 2
    assert "11,000 tokens and 1 min 50 s" in shown.text


def test_messages_are_told_with_their_senders() -> None:
    messages = (PersonMessage(kind="reap", sender="ann@host", text="b01: too slow", after=12),)
    shown = parsed(fixed().model_copy(update={"messages": messages}))
    assert "reap by ann@host after 12 s: b01: too slow" in shown.of("dd")


def test_a_patch_of_which_only_a_part_is_on_record_says_where_the_rest_is() -> None:
    whole = fixed()
    last = whole.branches[2].attempts[0]
    for patch in (
        last.facts.patch.model_copy(update={"digest": "d"}),
        Patch(edits=(Edit(file="a.py", start=1, added=("x" * 301,)),)),
    ):
        facts = last.facts.model_copy(update={"patch": patch})
        passing = whole.branches[2].model_copy(update={"attempts": (last.model_copy(update={"facts": facts}),)})
        shown = parsed(whole.model_copy(update={"branches": (*whole.branches[:2], passing)}))
        assert "refs/hydra/fix-shop-1a2b3c4d/b03/attempt-001" in shown.of("code")


def test_a_run_without_a_fix_says_what_to_try_next_and_what_is_ruled_out() -> None:
    shown = parsed(run(branch(1, attempt(1, score=0.9))))
    headings = shown.of("h2")
    assert headings[:2] == ["What to try next", "What is ruled out"]
    assert "What won" not in headings


def test_an_empty_and_a_running_run_have_a_page() -> None:
    assert "No branch was started." in parsed(run(verdict=None)).text
    going = parsed(run(branch(1, attempt(1, after=5.0), ending=Ending.RUNNING, reason=""), verdict=None))
    assert "Still running: working" in going.text
    assert "It is still being pursued." in going.of("dd")


def test_a_long_run_is_shown_whole() -> None:
    attempts = tuple(attempt(number, score=0.5) for number in range(1, 201))
    shown = parsed(run(*(branch(n, *(attempts if n == 1 else attempts[:2])) for n in range(1, 101))))
    assert shown.tags.count("circle") == 200 + 99 * 2
    assert "b100" in shown.values("id")


def test_a_page_links_to_other_pages_where_it_is_told_which() -> None:
    page = Parsed(render_html(build_story(fixed()), {"Web UI": "http://127.0.0.1:8233/x?a=1&b=<"}))
    assert "http://127.0.0.1:8233/x?a=1&b=<" in page.values("href")
    assert "nav" not in parsed(fixed()).tags
