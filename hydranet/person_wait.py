"""What a run waits for a person to decide."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, TESTS, BoundedModel, Line, Name
from hydranet.question import BehaviourQuestion

DIFF_CHARACTERS = 12_000
"""The most of a diff that stands in the genealogy: a person reads it there, and the whole in the repository."""

Diff = Annotated[str, CLEAN, StringConstraints(max_length=DIFF_CHARACTERS)]


class WaitKind(StrEnum):
    """How a person answers: an approval by `hydra approve` or `hydra reject`, a question by `hydra answer`."""

    APPROVAL = "approval"
    ANSWER = "answer"


class WaitSubject(StrEnum):
    """What a person is asked about: a fix, a test that a model has drafted, or what the code is to do."""

    FIX = "fix"
    TEST = "test"
    BEHAVIOUR = "behaviour"


class PersonWait(BoundedModel):
    """A decision of a person that a run waits for since a moment; `why` names the rule by which it is asked for.

    A fix is that of an attempt of a branch: `diff` is its whole change to the base, cut, with lines left out that may
    hold a secret. Of its tests so many pass, and those in `failing` fail as they did at the base. Of a drafted test,
    `failing` are the tests that it makes, and `passing` counts the others. A `question` is about what two fixes do.
    """

    kind: WaitKind = WaitKind.APPROVAL
    subject: WaitSubject
    since: datetime
    why: Line = ""
    branch: int = 0
    attempt: int = 0
    diff: Diff = ""
    passing: int = 0
    failing: Annotated[tuple[Name, ...], Field(max_length=TESTS)] = ()
    failing_count: int = 0
    question: BehaviourQuestion | None = None
