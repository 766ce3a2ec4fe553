"""The model-free backend: localisation and repair templates behind the protocol of a model."""

import asyncio
from collections import Counter
from collections.abc import Iterator

from cachetools import LRUCache

from activities.artifacts.store import ArtifactStore, put_model
from activities.git.objects import GitObjects
from activities.localisation.localiser import Localisation, Localiser, make_cache_key
from activities.localisation.ranking import Suspect
from activities.repair.families import FamilyGroup, group_families
from activities.repair.search import BATCH, RepairSearch
from hydranet.budget import Usage
from hydranet.contracts import (
    Candidate,
    Candidates,
    ImplementAnswer,
    Plan,
    PlanAnswer,
    RankAnswer,
    RankRequest,
    ReflectAnswer,
    StepRequest,
    StrategiesAnswer,
    StrategiesRequest,
    Work,
)
from hydranet.patches import make_diff
from hydranet.strategy import Strategy, is_new

MODEL = "templates"

_USAGE = Usage(model=MODEL)
_DIFF_CHARACTERS = 65_536

# Searches kept for the next steps of the branches that are under way.
_KEPT = 16

# What a dead branch leaves of its region's suspiciousness.
_AFTER_DEATH = 0.8


class TemplatesBackend:
    """Proposes strategies and candidates without a model, always the same for the same request."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects) -> None:
        self._artifacts = artifacts
        self._localiser = Localiser(artifacts, objects)
        self._searches: LRUCache[tuple[str, ...], RepairSearch] = LRUCache(_KEPT)

    async def warm_up(self) -> None:
        """Nothing: there is no model."""

    async def strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Up to `count` strategies unlike the dead ones, likeliest first."""
        findings = await self._localiser.localise(request.work)
        dead = [branch.strategy for branch in request.dead]
        chosen = await asyncio.to_thread(_chosen, findings, dead, request.count)
        for strategy, search in chosen:
            self._searches[_search_key(request.work, strategy)] = search
        strategies = tuple(strategy for strategy, _ in chosen)
        return StrategiesAnswer(strategies=strategies, reason="" if chosen else _nothing(dead), usage=_USAGE)

    async def rank(self, request: RankRequest) -> RankAnswer:
        """The order they have: they come by suspiciousness and likelihood."""
        return RankAnswer(order=tuple(range(len(request.strategies))), usage=_USAGE)

    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Which candidates come next."""
        search = await self._search(request)
        batch = await asyncio.to_thread(search.after, request.tried) if search else []
        if batch:
            extent = f"{request.tried + 1} to {request.tried + len(batch)}"
            summary = f"Try candidates {extent}: {_aim(request.strategy)}"
        else:
            summary = f"Nothing is left to try: {_aim(request.strategy)}"
        return PlanAnswer(plan=Plan(summary=summary), usage=_USAGE)

    async def implement(self, request: StepRequest) -> ImplementAnswer:
        """The candidates that follow those that were tried; exhausted when there are no more after these."""
        search = await self._search(request)
        if search is None:
            reason = f"This is not in the code at the checkpoint: {_aim(request.strategy)}."
            return ImplementAnswer(exhausted=True, reason=reason, usage=_USAGE)
        candidates = await asyncio.to_thread(_candidates, search, request.tried)
        if not candidates:
            reason = f"All candidates were tried: {_aim(request.strategy)}."
            return ImplementAnswer(exhausted=True, reason=reason, usage=_USAGE)
        more = await asyncio.to_thread(search.after, request.tried + BATCH, 1)
        return ImplementAnswer(
            candidates=await put_model(self._artifacts, Candidates(candidates=tuple(candidates))),
            count=len(candidates),
            reason="" if more else f"All candidates were tried: {_aim(request.strategy)}.",
            exhausted=not more,
            summary=f"{len(candidates)} candidates, first {candidates[0].title}",
            usage=_USAGE,
        )

    async def reflect(self, request: StepRequest) -> ReflectAnswer:
        """What was tried and what remains."""
        search = await self._search(request)
        more = await asyncio.to_thread(search.after, request.tried, 1) if search else []
        tried = (
            f"None of the first {request.tried} candidates passes all tests" if request.tried else "Nothing was tried"
        )
        rest = "less likely ones of the same kind remain" if more else "no other of the same kind remains"
        return ReflectAnswer(reflection=f"{tried}; {rest}: {_aim(request.strategy)}.", usage=_USAGE)

    async def _search(self, request: StepRequest) -> RepairSearch | None:
        strategy = request.strategy
        key = _search_key(request.work, strategy)
        if key not in self._searches:
            findings = await self._localiser.localise(request.work)
            suspect = _target(findings, strategy)
            group = next((group for group in _groups(findings) if group.name == strategy.kind), None)
            if suspect is None or group is None:
                return None
            self._searches[key] = RepairSearch(suspect, group, findings.vocabulary)
        return self._searches[key]


def _chosen(findings: Localisation, dead: list[Strategy], count: int) -> list[tuple[Strategy, RepairSearch]]:
    """Strategies that are new and have something to try, with the searches that serve them."""
    chosen: list[tuple[Strategy, RepairSearch]] = []
    for suspect, group in _pairs(findings, dead):
        if len(chosen) == count:
            break
        strategy = _strategy(suspect, group)
        if is_new(strategy, [*dead, *(other for other, _ in chosen)]):
            search = RepairSearch(suspect, group, findings.vocabulary)
            if search.after(0, 1):
                chosen.append((strategy, search))
    return chosen


def _groups(findings: Localisation) -> list[FamilyGroup]:
    return group_families(findings.evidence.error_type, findings.error_class)


def _pairs(findings: Localisation, dead: list[Strategy]) -> Iterator[tuple[Suspect, FamilyGroup]]:
    """Suspects and groups of changes, by the suspiciousness of the one times the likelihood of the other.

    Every dead branch speaks against the region it tried: the next one had better look elsewhere.
    """
    died = Counter((strategy.target_files, strategy.target_symbols) for strategy in dead)
    rated = [
        (
            suspect.score
            * group.likelihood
            * _AFTER_DEATH ** died[(suspect.region.source.path,), (suspect.region.symbol,)],
            suspect,
            group,
        )
        for suspect in findings.suspects
        for group in _groups(findings)
    ]
    for _, suspect, group in sorted(rated, key=lambda triple: -triple[0]):
        yield suspect, group


def _strategy(suspect: Suspect, group: FamilyGroup) -> Strategy:
    region = suspect.region
    return Strategy(
        title=f"{group.name.capitalize()} in {region.label}",
        rationale=f"Suspiciousness {suspect.score:.2f}: {'; '.join(suspect.reasons)}.",
        plan=f"Try {'two edits at once' if group.twice else 'single edits'} ({group.name}) in {region.label}.",
        kind=group.name,
        target_files=(region.source.path,),
        target_symbols=(region.symbol,),
        model=MODEL,
    )


def _target(findings: Localisation, strategy: Strategy) -> Suspect | None:
    for suspect in findings.suspects:
        region = suspect.region
        if (region.source.path,) == strategy.target_files and (region.symbol,) == strategy.target_symbols:
            return suspect
    return None


def _candidates(search: RepairSearch, tried: int) -> list[Candidate]:
    """The next batch; a patch that is too large stays in its place, to be refused, so that all are counted."""
    made = []
    for change in search.after(tried):
        patch = make_diff(search.path, search.text, change.text)
        made.append(
            Candidate(diff=patch if len(patch) <= _DIFF_CHARACTERS else "", title=f"{search.path}, {change.title}")
        )
    return made


def _aim(strategy: Strategy) -> str:
    return strategy.title[:1].lower() + strategy.title[1:]


def _nothing(dead: list[Strategy]) -> str:
    if dead:
        return "Every suspicious region was tried with every kind of change."
    return "No Python code could be tied to the failing tests."


def _search_key(work: Work, strategy: Strategy) -> tuple[str, ...]:
    return (*make_cache_key(work), *strategy.target_files, *strategy.target_symbols, strategy.kind)
