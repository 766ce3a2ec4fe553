"""What a run's record says of its pull request."""

import pytest

from hydra_cli.pull_request import OPERATION, is_approved
from hydranet.genealogy import Genealogy
from hydranet.policy.constitution import Decision, Effect

SHOP = "github.com/acme/shop"


def decide(effect: Effect, project: str = SHOP, operation: str = OPERATION) -> Decision:
    return Decision(operation=operation, subject=project, effect=effect, rule="r")


@pytest.mark.parametrize(
    ("decisions", "approved"),
    [
        ((), False),
        ((decide(Effect.ALLOWED),), True),
        ((decide(Effect.SUPERVISED),), False),
        ((decide(Effect.SUPERVISED), decide(Effect.ALLOWED)), True),
        ((decide(Effect.SUPERVISED), decide(Effect.REFUSED), decide(Effect.ALLOWED)), True),
        ((decide(Effect.SUPERVISED), decide(Effect.ALLOWED), decide(Effect.REFUSED)), False),
        ((decide(Effect.SUPERVISED), decide(Effect.ALLOWED, "github.com/eve/shop")), False),
        ((decide(Effect.SUPERVISED), decide(Effect.ALLOWED, operation="publish")), False),
    ],
)
def test_what_was_decided_last_about_this_project_counts(decisions: tuple[Decision, ...], approved: bool) -> None:
    genealogy = Genealogy(run_id="r", repository_name="n", title="t", decisions=decisions)
    assert is_approved(genealogy, SHOP) is approved
