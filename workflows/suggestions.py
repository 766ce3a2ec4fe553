"""Strategies that people suggest: what may be one, and where it is to be pursued."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.retrieval.activities import RetrievalActivities
    from hydranet.contracts import FixRequest, PlaceRequest
    from hydranet.strategy import SUGGESTED, TEMPLATES, Strategy
    from hydranet.text.truncation import keep_start
    from workflows import policies
    from workflows.preparation import PreparedRun

TEXT_LIMIT, PLACE_LIMIT = 1500, 1000
_TITLE_CHARACTERS = 100
# The sender waits for the answer.
_PATIENCE = timedelta(seconds=40)


def find_fault(text: str, place: str) -> str:
    """Return the sentence about what is wrong with a suggestion, empty where nothing is at first sight."""
    if not text.strip():
        return "The suggestion is empty: say what is to be changed."
    if len(text) > TEXT_LIMIT:
        return f"The suggestion has {len(text)} characters: shorten it to {TEXT_LIMIT} at most."
    if len(place) > PLACE_LIMIT:
        return f"The place has {len(place)} characters: name a file and a function, as in --place FILE:FUNCTION."
    return ""


async def make_strategy(request: FixRequest, prepared: PreparedRun, text: str, place: str, author: str) -> Strategy:
    """Return the strategy that a suggestion is. Raises ApplicationError for a place that is not there, or unknown."""
    options = policies.for_retrieval("find the place of the suggestion")
    options["schedule_to_close_timeout"] = _PATIENCE
    try:
        target = await workflow.execute_activity_method(
            RetrievalActivities.find_place,
            PlaceRequest(
                snapshot=prepared.snapshot,
                checkpoint=prepared.base,
                text=text,
                place=place,
                templates=request.model == TEMPLATES,
                places=prepared.places,
            ),
            **options,
        )
    except ActivityError as error:
        if policies.is_fatal(error):
            raise policies.fail(policies.explain_failure(error)) from None
        seconds = _PATIENCE.total_seconds()
        raise policies.fail(
            f"No worker looked the place up within {seconds:.0f} seconds (queue hydra-retrieval): send it again."
        ) from None
    words = " ".join(text.split())
    title = keep_start(words, _TITLE_CHARACTERS)
    return Strategy(
        title=title,
        rationale=words if title != words else "",
        plan=text,
        kind=SUGGESTED,
        target_files=(target.file,) if target.file else (),
        target_symbols=(target.symbol,) if target.symbol else (),
        model=TEMPLATES if request.model == TEMPLATES else "",
        suggested_by=author,
    )


def describe_message(strategy: Strategy, text: str) -> str:
    """Return what stays on record of the message: where the suggestion aims, and its words."""
    place = _describe_place(strategy)
    return f"{place}: {text}" if place else text


def describe_aim(strategy: Strategy) -> str:
    """Return where a suggestion is pursued, as the answer to who sent it says."""
    place = _describe_place(strategy)
    return f"it is pursued at {place}" if place else "the model is told of it, and no place is named"


def _describe_place(strategy: Strategy) -> str:
    return ":".join((*strategy.target_files, *strategy.target_symbols))
