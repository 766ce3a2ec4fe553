"""The post-mortem as a pull request: bounded, and with nothing in it that a forge acts on."""

import re

from hydranet.genealogy import Genealogy, Verdict
from hydranet.report.markdown import list_parts
from hydranet.report.postmortem import Postmortem, count_fixes
from hydranet.report.question import is_about_change
from hydranet.text.escaping import escape_controls, escape_markdown, format_code
from hydranet.text.truncation import keep_start

BODY_CHARACTERS = 60_000
"""The most that a body has; GitHub takes 65,536."""

TITLE_CHARACTERS = 200
"""The most that a title has; all forges take 255."""

# A character without width, behind which a mention, a reference or a command is none. Code is shown as it is: no forge
# acts on what stands there.
_JOINER = "\u2060"
_ACTIVE = re.compile(
    r"(?P<code>(?P<ticks>`+).*?(?<!`)(?P=ticks)(?!`))|(?P<pair>\\.)|(?P<command>^/)|(?P<mark>@|[#!](?=\d)|\bGH-(?=\d)|:(?=//))",
    re.DOTALL | re.MULTILINE,
)


def write_title(run: Genealogy) -> str:
    """Return the title of a run's pull request."""
    return keep_start(escape_controls(" ".join(run.title.split())), TITLE_CHARACTERS)


def write_body(story: Postmortem, reference: str = "") -> str:
    """Return the body of a run's pull request; `reference` is what it says first, such as "Fixes #7"."""
    run = story.genealogy
    opening = "HydraNet made this change and verified it on a clean checkout. Read it before you merge it."
    parts = [reference, opening]
    if run.written_tests and run.answers:
        parts.append(f"It passes tests that the run wrote itself ({disarm(escape_markdown(run.written_tests))}).")
    elif run.written_tests:
        parts.append(
            f"**It passes a test that the run wrote itself** ({disarm(escape_markdown(run.written_tests))}). Read that "
            "test first: nobody has checked whether it says what the issue means."
        )
    if run.verdict is Verdict.AMBIGUOUS:
        asked = f" {disarm(escape_markdown(story.question.text))}" if story.question else ""
        doubt = (
            "This fix changes what no test checks"
            if is_about_change(run)
            else f"The tests cannot tell this fix from {_name_others(run)}"
        )
        parts.append(f"**{doubt}.**{asked}")
    end = f"Parts of the report are left out here: {format_code(f'hydra report {run.run_id}')} prints the whole."
    room = BODY_CHARACTERS - sum(len(part) + 2 for part in (*parts, end))
    complete = True
    # The first part is the title.
    for part in list_parts(story)[1:]:
        shown = part if part.startswith("```") else disarm(part)
        if len(shown) + 2 <= room:
            parts.append(shown)
            room -= len(shown) + 2
        else:
            complete = False
    return "\n\n".join(filter(None, [*parts, "" if complete else end])) + "\n"


def _name_others(run: Genealogy) -> str:
    others = count_fixes(run) - 1
    return "another that passes them too" if others == 1 else f"{others} others that pass them too"


def disarm(markdown: str) -> str:
    """Return Markdown that looks the same and mentions nobody, refers to nothing and commands nothing."""
    return _ACTIVE.sub(_disarm, markdown)


def _disarm(match: re.Match[str]) -> str:
    if match["code"] or (match["pair"] and match["pair"][1] not in "#!"):
        return match[0]
    return f"{_JOINER}{match[0]}" if match["command"] else f"{match[0]}{_JOINER}"
