"""What the reviewer objects to in a fix."""

from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import BoundedModel, FilePath, Line, Name

OBJECTIONS = 20
"""The most objections to a fix that are named."""

# Of those, how many stand in a message.
_SHOWN = 3


class Objection(BoundedModel):
    """Something that a right fix rarely does, at a line of a file as the fix leaves it, 0 where none shows it.

    One that `refuses` keeps the fix from being published, any other makes it less likely among those that pass.
    `branch` is the number of the branch whose fix it is, 0 before that is known.
    """

    rule: Name
    file: FilePath
    line: int = 0
    text: Line
    refuses: bool = False
    branch: int = 0

    @property
    def place(self) -> str:
        """The file, and the line where there is one."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def label(self) -> str:
        """What the reviewer does by it, in front of the sentence."""
        branch = f" of b{self.branch:02d}" if self.branch else ""
        return f"The reviewer {'refuses the fix' if self.refuses else 'noted'}{branch}"

    def describe(self) -> str:
        """Return the objection as a sentence."""
        return f"rule {self.rule}: {self.place}: {self.text}"


Objections = Annotated[tuple[Objection, ...], Field(max_length=OBJECTIONS)]


def describe_notes(objections: Objections) -> str:
    """Return what a reviewer has noted of a fix that it lets pass, as lines for people; empty where that is nothing."""
    notes = [f"The reviewer noted: {each.describe()}" for each in objections if not each.refuses]
    more = len(notes) - _SHOWN
    return "\n".join([*notes[:_SHOWN], *([f"It noted {more} more."] if more > 0 else [])])
