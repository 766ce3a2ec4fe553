"""The ranked list of places where a failure may be fixed, as strategies of every source are made from."""

from activities.localisation.features import get_lines
from activities.localisation.localiser import Localisation
from activities.localisation.ranking import Suspect
from hydranet.contracts import Place


def list_places(localisation: Localisation, count: int) -> tuple[Place, ...]:
    """Return the likeliest places, best first, each with its probability and its reasons."""
    places = [*map(make_place, localisation.suspects), *localisation.others]
    return tuple(sorted(places, key=lambda place: -place.probability)[:count])


def make_place(suspect: Suspect) -> Place:
    """Return a suspect as a place."""
    region = suspect.region
    first, last = get_lines(region)
    return Place(
        file=region.source.path,
        symbol=region.symbol if region.node is not None else "",
        first_line=first,
        last_line=last,
        why="; ".join(suspect.reasons),
        probability=min(1.0, suspect.probability),
    )


def explain_place(place: Place) -> str:
    """Return the sentence that says how likely a place is the cause, and which evidence says so."""
    return f"{place.probability:.2f} likely: {place.why}." if place.why else f"{place.probability:.2f} likely."
