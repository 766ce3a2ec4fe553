"""Strategies from a model's hypotheses, and from the retrieval alone where the model has none."""

from collections.abc import Iterable, Iterator

from activities.inference.answers import KINDS, REWRITE, Hypothesis
from activities.inference.prompt_context import PromptContext
from activities.localisation.places import explain_place
from hydranet.strategy import Strategy, is_new

_NAME_LIMIT = 200


def build_strategies(
    hypotheses: Iterable[Hypothesis], view: PromptContext, dead: Iterable[Strategy], count: int
) -> list[Strategy]:
    """Up to `count` strategies that aim at something that exists and are unlike the dead and each other.

    Where no hypothesis is usable, they are derived from the places, best first.
    """
    dead = list(dead)
    proposed = (strategy for hypothesis in hypotheses if (strategy := _checked(hypothesis, view)) is not None)
    return _new(proposed, dead, count) or _new(_derived(view), dead, count)


def mentioned(hypotheses: Iterable[Hypothesis], paths: Iterable[str]) -> list[str]:
    """Return the existing files that hypotheses aim at."""
    named = {file.removeprefix("./") for hypothesis in hypotheses for file in hypothesis.target_files}
    return sorted(path for path in paths if path in named)


def _new(offered: Iterable[Strategy], dead: list[Strategy], count: int) -> list[Strategy]:
    fresh: list[Strategy] = []
    for strategy in offered:
        if len(fresh) == count:
            break
        if is_new(strategy, [*dead, *fresh]):
            fresh.append(strategy)
    return fresh


def _checked(hypothesis: Hypothesis, view: PromptContext) -> Strategy | None:
    """Return the hypothesis with the files and symbols that exist; None when nothing is left of its aim."""
    named = [file.removeprefix("./") for file in hypothesis.target_files]
    files = [path for path in named if path in view.sources and not view.is_test(path)]
    others = [path for path in view.sources if path not in files and not view.is_test(path)]
    symbols: list[str] = []
    for wanted in hypothesis.target_symbols:
        for path in [*files, *others]:
            if holder := view.holding(path, wanted):
                symbols.append(holder)
                files.append(path)
                break
    if not symbols:
        symbols = [place.symbol for place in view.places if place.file in files[:1] and place.symbol][:1]
    files = [path for path in dict.fromkeys(files) if len(path) <= _NAME_LIMIT]
    symbols = [name for name in dict.fromkeys(symbols) if len(name) <= _NAME_LIMIT]
    if not files:
        return None
    says_little = hypothesis.title.strip().lower() in KINDS
    return Strategy(
        title=f"Look for a {hypothesis.kind} in {', '.join(symbols or files)}" if says_little else hypothesis.title,
        rationale=hypothesis.rationale,
        plan=hypothesis.plan,
        kind=hypothesis.kind,
        target_files=tuple(files[:8]),
        target_symbols=tuple(symbols[:8]),
    )


def _derived(view: PromptContext) -> Iterator[Strategy]:
    """Every kind of change for every function shown, the most suspicious function first within a kind."""
    for kind in (REWRITE, *KINDS[:-1]):
        for place in view.places:
            file, symbol = place.file, place.symbol
            if view.is_test(file) or not any(
                definition.name == symbol and definition.kind != "variable" for definition in view.definitions(file)
            ):
                continue
            title = f"Rewrite {symbol}() in {file}" if kind == REWRITE else f"Look for a {kind} in {symbol}() in {file}"
            yield Strategy(
                title=title,
                rationale=explain_place(place),
                kind=kind,
                target_files=(file,),
                target_symbols=(symbol,),
            )
