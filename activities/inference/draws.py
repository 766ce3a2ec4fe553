"""What the answers of one attempt come to: the diffs that they make, and how many of them bring nothing new."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from activities.inference.edits import UnchangedError
from activities.inference.prompt_values import list_changed_lines
from hydranet.allocation import DrawOutcome, Draws
from hydranet.contracts import AttemptDigest
from hydranet.errors import PatchError


@dataclass
class DrawnDiffs:
    """The diffs of the answers so far, each once; `history` is what the branch has tried before."""

    history: Sequence[AttemptDigest]
    diffs: list[str] = field(default_factory=list)
    counts: Draws = field(default_factory=Draws)
    problem: PatchError | None = None

    @property
    def fresh(self) -> list[str]:
        """The diffs that no earlier attempt was."""
        return [diff for diff in self.diffs if not self._was_tried(diff)]

    def add(self, result: str | PatchError) -> None:
        """Take what an answer came to: its diff, or why it makes none."""
        if isinstance(result, str):
            is_known = result in self.diffs or self._was_tried(result)
            outcome = DrawOutcome.REPEATS if is_known else DrawOutcome.FAILS
            self.diffs += [result] if result not in self.diffs else []
        else:
            outcome = DrawOutcome.UNCHANGED if isinstance(result, UnchangedError) else DrawOutcome.UNUSABLE
            if outcome is DrawOutcome.UNUSABLE or self.problem is None:
                self.problem = result
        self.counts = self.counts.add(outcome)

    def explain(self) -> str:
        """Return why there is no diff."""
        counts = self.counts
        if counts.count <= 1:
            return str(self.problem)
        kinds = ((counts.unchanged, "changed nothing"), (counts.unusable, "could not be used"))
        words = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
        return f"{counts.count} answers: {words}. {self.problem if counts.unusable else ''}".strip()

    def _was_tried(self, diff: str) -> bool:
        # A digest holds the head of the changes.
        own = "\n".join(list_changed_lines(diff))
        heads = ("\n".join(list_changed_lines(attempt.patch)) for attempt in self.history)
        return any(head and own.startswith(head) for head in heads)
