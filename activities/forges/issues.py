"""The issue of a forge as one text: title, body and comments, as many as a run takes."""

from __future__ import annotations

from typing import NamedTuple

from activities.forges.addresses import IssueAddress
from activities.forges.answers import Comment
from activities.forges.forge import Forge, Tell, open_forge
from activities.forges.github import PAGE
from hydranet.bounded_models import ISSUE_CHARACTERS
from hydranet.text.escaping import clean_text
from hydranet.text.truncation import keep_start

COMMENTS = 100
"""The most comments that are read, of an issue that has more."""


class IssueText(NamedTuple):
    """The text of an issue; `left_out` says in a sentence what is not in it, empty where nothing is missing."""

    text: str
    left_out: str = ""


async def read_issue_at(address: IssueAddress, tell: Tell) -> IssueText:
    """Return the text of the issue at an address; UsageError with why it cannot be read.

    Nothing that it links to is followed.
    """
    async with open_forge(address.project, tell) as forge:
        issue = await forge.read_issue(address.number)
        comments = [] if issue.comments == 0 else await _read_comments(forge, address.number)
    count = issue.comments if type(issue.comments) is int else len(comments)
    return join_issue(issue.title, issue.body, comments, count)


async def _read_comments(forge: Forge, number: int) -> list[Comment]:
    comments: list[Comment] = []
    for page in range(1, COMMENTS // PAGE + 1):
        read = await forge.read_comments(number, page)
        comments += read
        if len(read) < PAGE or sum(len(comment.body) for comment in comments) > ISSUE_CHARACTERS:
            break
    return comments[:COMMENTS]


def join_issue(title: str, body: str, comments: list[Comment], count: int) -> IssueText:
    """Return an issue as one text, of which whole comments are left out at its end when it is too long.

    `count` is how many comments it has.
    """
    whole = clean_text("\n\n".join(filter(None, (" ".join(title.split()), body.strip()))))
    text = keep_start(whole, ISSUE_CHARACTERS)
    written = [comment for comment in comments if comment.body.strip()]
    taken = 0
    for comment in written:
        longer = f"{text}\n\nComment by {' '.join(comment.author.split())}:\n{clean_text(comment.body.strip())}"
        if len(longer) > ISSUE_CHARACTERS:
            break
        text, taken = longer, taken + 1
    parts = [f"its text beyond {ISSUE_CHARACTERS:,} characters"] if len(whole) > ISSUE_CHARACTERS else []
    # What the forge itself notes is read as an empty comment, and not counted.
    if missing := len(written) - taken + max(0, count - len(comments)):
        parts.append(f"{missing:,} of its comments")
    return IssueText(text, f"Left out of the issue: {' and '.join(parts)}." if parts else "")
