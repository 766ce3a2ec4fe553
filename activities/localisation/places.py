"""The ranked list of places, as it travels."""

from activities.localisation.localiser import Localisation
from activities.localisation.regions import MODULE_LEVEL
from hydranet.contracts import Place


def list_places(localisation: Localisation, count: int) -> tuple[Place, ...]:
    """Return the likeliest places, best first."""
    total = sum(suspect.score for suspect in localisation.suspects) or 1.0
    return tuple(
        Place(
            file=suspect.region.source.path,
            symbol="" if suspect.region.symbol == MODULE_LEVEL else suspect.region.symbol,
            first_line=suspect.region.statements[0].first_line,
            last_line=suspect.region.statements[-1].last_line,
            why="; ".join(suspect.reasons),
            probability=0.8 * suspect.score / total,
        )
        for suspect in localisation.suspects[:count]
    )
