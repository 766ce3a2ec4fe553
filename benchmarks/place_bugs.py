"""What is known of the bugs of a suite before the first strategy, kept on disk: their tests run once.

Run with `python -m benchmarks.place_bugs SUITE KEEP`; `place_weights` learns from what is kept. An instance whose tests
cannot be run, or do not fail, is left out and told.
"""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from activities.artifacts.store import get_model
from activities.localisation.evidence import Evidence
from activities.localisation.localiser import read_failure
from activities.localisation.source import Source
from benchmarks import run
from benchmarks.engine import Engine, survey
from hydra_cli.bench.suite import BugInstance, build_tree, read_suite
from hydranet.contracts import RetrievedContext, Spectrum
from hydranet.errors import HydraError


class KeptBug(msgspec.Struct):
    """The contracts of a bug as JSON, with its seconds by step."""

    context: str
    spectrum: str
    seconds: dict[str, float] = {}


@dataclass(frozen=True)
class Bug:
    """A bug of a suite, and what was found out about it."""

    instance: BugInstance
    project: str
    context: RetrievedContext
    spectrum: Spectrum | None

    async def read(self, *, with_coverage: bool = True) -> tuple[Evidence, list[Source]]:
        """Return the evidence and the sources, with coverage or by the issue, the tracebacks and retrieval alone."""
        with tempfile.TemporaryDirectory(prefix="hydra-place-") as folder:
            tree = self.instance.files
            if self.instance.package is not None:
                tree = await asyncio.to_thread(build_tree, self.instance, Path(folder) / "tree")
            paths = [path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()]

            async def read(path: str) -> str | None:
                return (tree / path).read_text(errors="replace")

            spectrum = self.spectrum if with_coverage else None
            return await read_failure(self.instance.issue, self.context, spectrum, sorted(paths), read)


async def keep_bugs(suite: Path, keep: Path, only: list[str]) -> None:
    """Run the tests of the instances that are not kept yet."""
    for name, instance in read_suite(suite, only)[1].items():
        target = keep / f"{name}.json"
        if target.exists():
            continue
        try:
            async with survey(instance) as engine:
                target.write_bytes(msgspec.json.encode(await _collect(engine)))
            print(f"{name}: kept ({sum(engine.outcome.seconds.values()):.0f} s)", flush=True)
        except (HydraError, ValueError) as error:
            print(f"{name}: left out: {error}", flush=True)


async def _collect(engine: Engine) -> KeptBug:
    artifacts, work = engine.prepared.artifacts, engine.work
    context = await get_model(artifacts, work.context, RetrievedContext)
    spectrum = await get_model(artifacts, work.spectrum, Spectrum) if work.spectrum else None
    return KeptBug(
        context.model_dump_json(), spectrum.model_dump_json() if spectrum else "", dict(engine.outcome.seconds)
    )


def load_bugs(suite: Path, keep: Path) -> list[Bug]:
    """Return the kept bugs of a suite that have a failing test and a place that is right."""
    bugs: list[Bug] = []
    for name, instance in read_suite(suite, [])[1].items():
        path = keep / f"{name}.json"
        if not path.exists() or not instance.gold_symbols:
            continue
        kept = msgspec.json.decode(path.read_bytes(), type=KeptBug)
        context = RetrievedContext.model_validate_json(kept.context)
        spectrum = Spectrum.model_validate_json(kept.spectrum) if kept.spectrum else None
        if context.failing:
            bugs.append(Bug(instance, name.partition("-")[0], context, spectrum))
    return bugs


def main() -> None:
    """Keep the bugs of a suite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path)
    parser.add_argument("keep", type=Path)
    parser.add_argument("only", nargs="*")
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    asyncio.run(keep_bugs(given.suite, given.keep, given.only))


if __name__ == "__main__":
    run(main)
