"""The model-free backend: fault localisation and repair templates behind the protocol of a model."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence

from cachetools import LRUCache

from activities.artifacts.store import ArtifactStore, put_model
from activities.code.languages import find_language
from activities.code.mentions import find_named_files
from activities.git.objects import GitObjects
from activities.localisation.localiser import Localisation, Localiser, make_cache_key
from activities.localisation.places import explain_place, make_place
from activities.localisation.ranking import Suspect
from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from activities.repair.families import FamilyGroup, group_all, group_families
from activities.repair.search import BATCH, RepairSearch
from hydranet.budget import Usage
from hydranet.contracts import (
    Candidate,
    Candidates,
    CritiqueAnswer,
    CritiqueRequest,
    ImplementAnswer,
    Place,
    Plan,
    PlanAnswer,
    RankAnswer,
    RankRequest,
    ReflectAnswer,
    ReproduceAnswer,
    ReproduceRequest,
    StepRequest,
    StrategiesAnswer,
    StrategiesRequest,
    VoteAnswer,
    VoteRequest,
    Work,
)
from hydranet.patches import make_diff
from hydranet.strategy import TEMPLATES, Strategy, is_new
from hydranet.text.code_names import find_named_symbols
from hydranet.text.truncation import keep_start

_USAGE = Usage(model=TEMPLATES)
# Characters of a candidate's diff, as its contract limits them.
_DIFF_CHARACTERS = 65_536
# Searches cached for the next steps of the branches under way on this worker.
_CACHED = 16
# How often one of a group's changes at the right place is the fix, for a group of weight 1: of 24 real bugs all groups
# together can make the fixes of three, by reading them.
_SKILL = 0.05
# The factor on the score of a region for each dead branch that tried it.
_DEAD_BRANCH_FACTOR = 0.8


class TemplatesBackend:
    """A backend without a model; equal requests get equal answers."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects, localiser: Localiser | None = None) -> None:
        self._artifacts = artifacts
        self._objects = objects
        self._localiser = localiser or Localiser(artifacts, objects)
        self._searches: LRUCache[tuple[str, ...], RepairSearch] = LRUCache(_CACHED)

    async def warm_up(self) -> None:
        """Do nothing: there is no model to load."""

    async def reproduce(self, request: ReproduceRequest) -> ReproduceAnswer:  # noqa: ARG002 - as the protocol has it
        """Draft no test: that takes a model."""
        return ReproduceAnswer()

    async def strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Propose up to `count` new strategies, likeliest first, and before them those that the instruction names."""
        localisation = await self._localiser.localise(request.work)
        dead = [branch.strategy for branch in request.dead]
        chosen = await asyncio.to_thread(_choose_strategies, localisation, dead, request.count, request.instruction)
        for strategy, search in chosen:
            self._searches[_make_search_key(request.work, strategy)] = search
        strategies = tuple(strategy for strategy, _ in chosen)
        return StrategiesAnswer(
            strategies=strategies,
            reason="" if chosen else _explain_no_strategy(dead, localisation.others),
            usage=_USAGE,
        )

    async def rank(self, request: RankRequest) -> RankAnswer:
        """Keep the order of the strategies, which are proposed likeliest first."""
        return RankAnswer(order=tuple(range(len(request.strategies))), usage=_USAGE)

    async def vote(self, _request: VoteRequest, /) -> VoteAnswer:
        """Templates know nothing of what code is for."""
        return VoteAnswer(usage=_USAGE)

    async def criticise(self, _request: CritiqueRequest, /) -> CritiqueAnswer:
        """Object to nothing."""
        return CritiqueAnswer(usage=_USAGE)

    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Announce the next batch of candidates."""
        search = await self._get_search(request)
        batch = await asyncio.to_thread(search.list_changes, request.tried) if search else []
        if batch:
            extent = f"{request.tried + 1} to {request.tried + len(batch)}"
            summary = f"Try candidates {extent}: {_describe_aim(request.strategy)}"
        else:
            summary = f"Nothing is left to try: {_describe_aim(request.strategy)}"
        return PlanAnswer(plan=Plan(summary=summary), usage=_USAGE)

    async def implement(self, request: StepRequest) -> ImplementAnswer:
        """Return the next batch of candidates, exhausted when it is the last."""
        search = await self._get_search(request)
        if search is None:
            reason = f"This is not in the code at the checkpoint: {_describe_aim(request.strategy)}."
            return ImplementAnswer(exhausted=True, reason=reason, usage=_USAGE)
        candidates = await asyncio.to_thread(_make_candidates, search, request.tried)
        if not candidates:
            reason = f"All candidates were tried: {_describe_aim(request.strategy)}."
            return ImplementAnswer(exhausted=True, reason=reason, usage=_USAGE)
        more = await asyncio.to_thread(search.list_changes, request.tried + BATCH, 1)
        return ImplementAnswer(
            candidates=await put_model(self._artifacts, Candidates(candidates=tuple(candidates))),
            count=len(candidates),
            reason="" if more else f"All candidates were tried: {_describe_aim(request.strategy)}.",
            exhausted=not more,
            summary=f"{len(candidates)} candidates, first {candidates[0].title}",
            usage=_USAGE,
        )

    async def reflect(self, request: StepRequest) -> ReflectAnswer:
        """Summarise what was tried and what remains."""
        search = await self._get_search(request)
        more = await asyncio.to_thread(search.list_changes, request.tried, 1) if search else []
        tried = (
            f"None of the first {request.tried} candidates passes all tests" if request.tried else "Nothing was tried"
        )
        rest = "less likely ones of the same kind remain" if more else "no other of the same kind remains"
        return ReflectAnswer(reflection=f"{tried}; {rest}: {_describe_aim(request.strategy)}.", usage=_USAGE)

    async def _get_search(self, request: StepRequest) -> RepairSearch | None:
        strategy = request.strategy
        key = _make_search_key(request.work, strategy)
        if key not in self._searches:
            localisation = await self._localiser.localise(request.work)
            suspect = _find_suspect(localisation, strategy)
            group = next((group for group in _list_groups(localisation) if group.name == strategy.kind), None)
            if strategy.suggested_by:
                # A person may know more than the tests show: also where no evidence leads.
                suspect = suspect or await self._find_region(request.work, strategy)
                group = group_all(localisation.evidence.error_type, localisation.error_class)
            if suspect is None or group is None:
                return None
            self._searches[key] = RepairSearch(suspect, group, localisation.vocabulary)
        return self._searches[key]

    async def _find_region(self, work: Work, strategy: Strategy) -> Suspect | None:
        for path, symbol in zip(strategy.target_files, strategy.target_symbols, strict=False):
            text = await self._objects.read(work.snapshot, work.checkpoint, path)
            source = await asyncio.to_thread(Source.parse, path, text)
            for region in list_regions(source) if source else ():
                if region.symbol == symbol:
                    return Suspect(region, 0.0, dict.fromkeys(region.statements, 0.0), ("a person suggested it",))
        return None


def _choose_strategies(
    localisation: Localisation, dead: list[Strategy], count: int, instruction: str
) -> list[tuple[Strategy, RepairSearch]]:
    chosen: list[tuple[Strategy, RepairSearch]] = []
    for suspect, group in _rank_pairs(localisation, dead, instruction):
        if len(chosen) == count:
            break
        strategy = _make_strategy(suspect, group)
        if is_new(strategy, [*dead, *(other for other, _ in chosen)]):
            search = RepairSearch(suspect, group, localisation.vocabulary)
            if search.list_changes(0, 1):
                chosen.append((strategy, search))
    return chosen


def _list_groups(localisation: Localisation) -> list[FamilyGroup]:
    return group_families(localisation.evidence.error_type, localisation.error_class)


def _rank_pairs(
    localisation: Localisation, dead: list[Strategy], instruction: str
) -> Iterator[tuple[Suspect, FamilyGroup]]:
    """Yield suspects and groups by the product of their scores, first those whose place the instruction names.

    Each dead branch lowers the score of its region, so that the next strategies look elsewhere.
    """
    deaths = Counter((strategy.target_files, strategy.target_symbols) for strategy in dead)
    files = find_named_files(instruction, {suspect.region.source.path for suspect in localisation.suspects})
    symbols = find_named_symbols(instruction)
    rated = [
        (
            (suspect.region.source.path in files) + any(name in symbols for name in suspect.region.symbol.split(".")),
            suspect.probability
            * group.weight
            * _DEAD_BRANCH_FACTOR ** deaths[(suspect.region.source.path,), (suspect.region.symbol,)],
            suspect,
            group,
        )
        for suspect in localisation.suspects
        for group in _list_groups(localisation)
    ]
    for _, _, suspect, group in sorted(rated, key=lambda item: (-item[0], -item[1])):
        yield suspect, group


def _make_strategy(suspect: Suspect, group: FamilyGroup) -> Strategy:
    region = suspect.region
    return Strategy(
        skill=min(1.0, _SKILL * group.weight),
        title=f"{group.name.capitalize()} in {region.label}",
        rationale=explain_place(make_place(suspect)),
        plan=f"Try {'two edits at once' if group.paired else 'single edits'} ({group.name}) in {region.label}.",
        kind=group.name,
        target_files=(region.source.path,),
        target_symbols=(region.symbol,),
        model=TEMPLATES,
    )


def _find_suspect(localisation: Localisation, strategy: Strategy) -> Suspect | None:
    for suspect in localisation.suspects:
        region = suspect.region
        if (region.source.path,) == strategy.target_files and (region.symbol,) == strategy.target_symbols:
            return suspect
    return None


def _make_candidates(search: RepairSearch, tried: int) -> list[Candidate]:
    candidates = []
    for change in search.list_changes(tried):
        patch = make_diff(search.path, search.text, change.text)
        # An oversized diff is emptied, and then refused, rather than left out: `tried` counts candidates.
        diff = patch if len(patch) <= _DIFF_CHARACTERS else ""
        candidates.append(Candidate(diff=diff, title=f"{search.path}, {change.title}"))
    return candidates


def _describe_aim(strategy: Strategy) -> str:
    return strategy.title[:1].lower() + strategy.title[1:]


def _explain_no_strategy(dead: list[Strategy], others: Sequence[Place]) -> str:
    if dead:
        return "Every suspicious region was tried with every kind of change."
    places = [(language, place) for place in others if (language := find_language(place.file))]
    if foreign := next((pair for pair in places if not pair[0].has_templates), None):
        language, place = foreign
        return (
            f"The likely places, such as {keep_start(place.file, 100)}, are in {language.name}, and repair templates "
            "know Python alone: choose a model with --model, such as ollama:qwen2.5-coder:7b."
        )
    return "No Python code could be tied to the failing tests."


def _make_search_key(work: Work, strategy: Strategy) -> tuple[str, ...]:
    return (*make_cache_key(work), *strategy.target_files, *strategy.target_symbols, strategy.kind)
