"""The model-free backend: localisation and repair templates behind the protocol of a model."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import TypeVar

from activities.artifacts.store import ArtifactStore, put_model
from activities.checkpoints.objects import GitObjects
from activities.inference.templates.families import FAMILIES, Family, likelihood, named
from activities.inference.templates.findings import Findings, find
from activities.inference.templates.localisation import Suspect
from activities.inference.templates.search import Change, Search
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
from hydranet.patches import diff
from hydranet.strategy import Strategy, is_new

MODEL = "templates"

_USAGE = Usage(model=MODEL)
_DIFF_CHARACTERS = 65_536

# Localisations and searches kept for the next steps of the branches that are under way.
_KEPT = 16

# What a dead branch leaves of its region's suspiciousness.
_AFTER_DEATH = 0.8

Value = TypeVar("Value")


class TemplatesBackend:
    """Proposes strategies and candidates without a model, always the same for the same request."""

    def __init__(self, artifacts: ArtifactStore, objects: GitObjects) -> None:
        self._artifacts = artifacts
        self._objects = objects
        self._findings: OrderedDict[tuple[str, ...], Findings] = OrderedDict()
        self._searches: OrderedDict[tuple[str, ...], Search] = OrderedDict()

    async def warm_up(self) -> None:
        """Nothing: there is no model."""

    async def strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        """Up to `count` strategies unlike the dead ones, likeliest first."""
        findings = await self._localised(request.work)
        dead = [branch.strategy for branch in request.dead]
        chosen = await asyncio.to_thread(_chosen, findings, dead, request.count)
        for strategy, search in chosen:
            _remember(self._searches, _search_key(request.work, strategy), search)
        strategies = tuple(strategy for strategy, _ in chosen)
        return StrategiesAnswer(strategies=strategies, reason="" if chosen else _nothing(dead), usage=_USAGE)

    async def rank(self, request: RankRequest) -> RankAnswer:
        """The order they have: they come by suspiciousness and likelihood."""
        return RankAnswer(order=tuple(range(len(request.strategies))), usage=_USAGE)

    async def plan(self, request: StepRequest) -> PlanAnswer:
        """Which batch of candidates comes next."""
        search = await self._search(request)
        batch = await asyncio.to_thread(search.batch, request.attempt) if search else []
        if batch:
            summary = f"Try candidates {_extent(request.attempt, batch)}: {_aim(request.strategy)}"
        else:
            summary = f"Nothing is left to try: {_aim(request.strategy)}"
        return PlanAnswer(plan=Plan(summary=summary), usage=_USAGE)

    async def implement(self, request: StepRequest) -> ImplementAnswer:
        """The batch of candidates whose number is the attempt's; exhausted when there are no more."""
        search = await self._search(request)
        if search is None:
            reason = f"This is not in the code at the checkpoint: {_aim(request.strategy)}."
            return ImplementAnswer(exhausted=True, reason=reason, usage=_USAGE)
        candidates = await asyncio.to_thread(_candidates, search, request.attempt)
        if not candidates:
            reason = f"All candidates were tried: {_aim(request.strategy)}."
            return ImplementAnswer(exhausted=True, reason=reason, usage=_USAGE)
        more = await asyncio.to_thread(search.has_more, request.attempt)
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
        batch = await asyncio.to_thread(search.batch, request.attempt) if search else []
        more = search is not None and await asyncio.to_thread(search.has_more, request.attempt)
        tried = (
            f"None of the candidates {_extent(request.attempt, batch)} passes all tests"
            if batch
            else "Nothing was tried"
        )
        rest = "less likely ones of the same kind remain" if more else "no other of the same kind remains"
        return ReflectAnswer(reflection=f"{tried}; {rest}: {_aim(request.strategy)}.", usage=_USAGE)

    async def _localised(self, work: Work) -> Findings:
        key = _key(work)
        if (findings := _recalled(self._findings, key)) is None:
            findings = await find(self._artifacts, self._objects, work)
            _remember(self._findings, key, findings)
        return findings

    async def _search(self, request: StepRequest) -> Search | None:
        strategy = request.strategy
        key = _search_key(request.work, strategy)
        if (search := _recalled(self._searches, key)) is None:
            findings = await self._localised(request.work)
            suspect, family = _target(findings, strategy), named(strategy.kind)
            if suspect is None or family is None:
                return None
            search = Search(suspect, family, findings.vocabulary)
            _remember(self._searches, key, search)
        return search


def _chosen(findings: Findings, dead: list[Strategy], count: int) -> list[tuple[Strategy, Search]]:
    """Strategies that are new and have something to try, with the searches that serve them."""
    chosen: list[tuple[Strategy, Search]] = []
    for suspect, family in _pairs(findings, dead):
        if len(chosen) == count:
            break
        strategy = _strategy(suspect, family)
        if is_new(strategy, [*dead, *(other for other, _ in chosen)]):
            search = Search(suspect, family, findings.vocabulary)
            if search.has_more(0):
                chosen.append((strategy, search))
    return chosen


def _pairs(findings: Findings, dead: list[Strategy]) -> Iterator[tuple[Suspect, Family]]:
    """Suspects and families, by the suspiciousness of the one times the likelihood of the other.

    Every dead branch speaks against the region it tried: the next one had better look elsewhere.
    """
    error = findings.evidence.error
    died = Counter((strategy.target_files, strategy.target_symbols) for strategy in dead)
    rated = [
        (
            suspect.score
            * likelihood(family, error, findings.error_class)
            * _AFTER_DEATH ** died[(suspect.region.source.path,), (suspect.region.symbol,)],
            suspect,
            family,
        )
        for suspect in findings.suspects
        for family in FAMILIES
    ]
    for _, suspect, family in sorted(rated, key=lambda triple: -triple[0]):
        yield suspect, family


def _strategy(suspect: Suspect, family: Family) -> Strategy:
    region = suspect.region
    return Strategy(
        title=f"{family.name.capitalize()} in {region.label}",
        rationale=f"Suspiciousness {suspect.score:.2f}: {'; '.join(suspect.reasons)}.",
        plan=f"Try single edits of the kind '{family.name}' on the suspicious statements of {region.label}.",
        kind=family.name,
        target_files=(region.source.path,),
        target_symbols=(region.symbol,),
        model=MODEL,
    )


def _target(findings: Findings, strategy: Strategy) -> Suspect | None:
    for suspect in findings.suspects:
        region = suspect.region
        if (region.source.path,) == strategy.target_files and (region.symbol,) == strategy.target_symbols:
            return suspect
    return None


def _candidates(search: Search, number: int) -> list[Candidate]:
    made = []
    for change in search.batch(number):
        patch = diff(search.path, search.text, change.text)
        if len(patch) <= _DIFF_CHARACTERS:
            made.append(Candidate(diff=patch, title=f"{search.path}, {change.title}"))
    return made


def _extent(attempt: int, batch: list[Change]) -> str:
    first = Search.first(attempt)
    return f"{first} to {first + len(batch) - 1}"


def _aim(strategy: Strategy) -> str:
    return strategy.title[:1].lower() + strategy.title[1:]


def _nothing(dead: list[Strategy]) -> str:
    if dead:
        return "Every suspicious region was tried with every kind of change."
    return "No Python code could be tied to the failing tests."


def _key(work: Work) -> tuple[str, ...]:
    return (
        work.snapshot.commit,
        work.checkpoint.commit,
        work.context.sha256,
        work.spectrum.sha256 if work.spectrum else "",
    )


def _search_key(work: Work, strategy: Strategy) -> tuple[str, ...]:
    return (*_key(work), *strategy.target_files, *strategy.target_symbols, strategy.kind)


def _recalled(kept: OrderedDict[tuple[str, ...], Value], key: tuple[str, ...]) -> Value | None:
    if key in kept:
        kept.move_to_end(key)
    return kept.get(key)


def _remember(kept: OrderedDict[tuple[str, ...], Value], key: tuple[str, ...], value: Value) -> None:
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)
