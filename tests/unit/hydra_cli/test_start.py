"""The run that a command starts, or finds again."""

from pathlib import Path

from hydra_cli.repository import Repository
from hydra_cli.start import Start

REPOSITORY = Repository(Path("/srv/shop"), dirty=False)
URL = "https://github.com/acme/shop/issues/7"


def test_an_issue_of_a_forge_is_the_same_when_somebody_comments_on_it() -> None:
    first = Start(REPOSITORY, "It breaks", issue_url=URL)
    assert first.identity == Start(REPOSITORY, "It breaks\n\nComment by ann:\nYes.", issue_url=URL).identity
    assert first.identity != Start(REPOSITORY, "It breaks", issue_url=f"{URL}1").identity
    assert first.identity != Start(REPOSITORY, "It breaks").identity


def test_a_pull_request_is_asked_about_before_the_run() -> None:
    decisions = Start(REPOSITORY, "It breaks", destination="github.com/acme/shop").ask_constitution()
    assert [(each.operation, each.rule) for each in decisions] == [
        ("publish", "fix-branch"),
        ("open_pull_request", "pull-request"),
    ]
