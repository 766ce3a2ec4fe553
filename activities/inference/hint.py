"""What localisation suspects, as a hint in a model's prompt."""

from collections.abc import Sequence

from activities.localisation.localisation import Suspect
from hydranet.text.escaping import fence
from hydranet.text.truncation import keep_start

_STATEMENTS = 2
_CHARACTERS = 160


def describe_suspects(suspects: Sequence[Suspect]) -> str:
    """Suspects, each with its reasons and the statements that are most suspicious; empty without any."""
    return fence("\n".join(map(_told, suspects))) if suspects else ""


def _told(suspect: Suspect) -> str:
    region, scores = suspect.region, suspect.statements
    lines = region.source.text.split("\n")
    inner = [score for score in scores if score.node is not region.node and scores[score]]
    worst = sorted(inner, key=lambda item: -scores[item])[:_STATEMENTS]
    quoted = [
        f"  line {item.first_line}: {keep_start(lines[item.first_line - 1].strip(), _CHARACTERS)}" for item in worst
    ]
    return "\n".join((f"{region.label}: {keep_start('; '.join(suspect.reasons), 2 * _CHARACTERS)}", *quoted))
