"""`hydra bench`: run every instance of a suite and report what was fixed, what was not, and why."""

import asyncio
import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from activities.checkpoints.objects import git
from hydranet import settings
from hydranet.cli.repository import Repository
from hydranet.cli.session import Session, session
from hydranet.cli.start import Start, start
from hydranet.cli.terminal import console
from hydranet.errors import UsageError
from hydranet.genealogy import Verdict
from hydranet.settings import Settings

Model = TypeVar("Model", bound=BaseModel)


class Instance(BaseModel):
    """A bug of a suite, as its `instance.json` describes it."""

    model_config = ConfigDict(extra="ignore")

    id: str
    issue: str
    test_command: str = "python -m pytest -q"
    test_timeout_s: float = 300.0
    setup: list[str] = []
    env: dict[str, str] = {}


class Suite(BaseModel):
    """A suite's `suite.json`: its name and the folders of its instances."""

    model_config = ConfigDict(extra="ignore")

    name: str
    instances: list[str]


@dataclass(frozen=True)
class Result:
    """What became of one instance; `seconds` is the run's own time."""

    id: str
    fixed: bool
    verdict: str
    attempts: int
    branches: int
    reaps: int
    tokens: int
    seconds: float
    reason: str
    run: str


def bench(
    suite: Annotated[Path, typer.Option(help="The suite's folder, with suite.json and a folder per instance.")],
    model: Annotated[
        str | None, typer.Option(help="auto, templates, ollama:NAME, openai:URL#NAME or scripted:FILE.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this instance; may be given again.")] = None,
    jobs: Annotated[int, typer.Option(help="How many instances run at once.")] = max(1, (os.cpu_count() or 1) // 2),
    no_reaper: Annotated[bool, typer.Option("--no-reaper", help="Let circling branches spend their budget.")] = False,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the results to this file.")] = None,
) -> None:
    """Run a suite of bugs and tell failures as carefully as successes."""
    described, instances = _read(suite, only or [])
    chosen = settings.load(flags={"model": model})
    results = asyncio.run(_bench(suite, described.name, instances, chosen, jobs, reaper=not no_reaper))
    _print(results)
    if json_out is not None:
        document = {
            "suite": described.name,
            "model": chosen.model,
            "reaper": not no_reaper,
            "fixed": sum(result.fixed for result in results),
            "instances": [asdict(result) for result in results],
        }
        json_out.write_text(json.dumps(document, indent=1) + "\n")


def _read(folder: Path, only: list[str]) -> tuple[Suite, dict[str, Instance]]:
    """The suite and its instances by folder name."""
    suite = _model(folder / "suite.json", Suite)
    if unknown := sorted(set(only) - set(suite.instances)):
        raise UsageError(f"The suite {suite.name} has no instance '{unknown[0]}': see {folder / 'suite.json'}.")
    names = [name for name in suite.instances if not only or name in only]
    return suite, {name: _model(folder / name / "instance.json", Instance) for name in names}


def _model(path: Path, kind: type[Model]) -> Model:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a suite's folder with --suite.") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}; correct the suite.") from None


async def _bench(
    suite: Path, name: str, instances: dict[str, Instance], chosen: Settings, jobs: int, *, reaper: bool
) -> list[Result]:
    free = asyncio.Semaphore(jobs)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    work = chosen.data_dir / "bench" / uuid.uuid4().hex[:8]
    try:
        async with session(chosen) as open_session:
            with Progress(*columns, console=Console(stderr=True)) as progress:
                task = progress.add_task(name, total=len(instances))

                async def one(folder: str, instance: Instance) -> Result:
                    async with free:
                        repository = await asyncio.to_thread(_repository, suite / folder / "repo", work / folder)
                        result = await _run(open_session, repository, instance, chosen, reaper)
                    progress.console.print(f"{'fixed ' if result.fixed else result.verdict:10} {instance.id}")
                    progress.advance(task)
                    return result

                return list(await asyncio.gather(*(one(f, i) for f, i in instances.items())))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _repository(source: Path, target: Path) -> Repository:
    """A one-commit repository with the files of `source`."""
    shutil.copytree(source, target, symlinks=True)
    dates = {"GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z"}
    git(target, "init", "--quiet", "--initial-branch=main")
    git(target, "add", "--all", "--force")
    git(target, "commit", "--quiet", "--message", "The bug", env=dates)
    return Repository.open(target)


async def _run(
    open_session: Session, repository: Repository, instance: Instance, chosen: Settings, reaper: bool
) -> Result:
    sandbox: dict[str, Any] = {
        **chosen.sandbox.model_dump(),
        "setup": instance.setup,
        "env": instance.env,
        "test_command": instance.test_command,
        "test_timeout": instance.test_timeout_s,
    }
    described = Settings.model_validate({**chosen.model_dump(), "sandbox": sandbox})
    wanted = Start(repository, instance.issue)
    request = (await wanted.request(described)).model_copy(update={"reaper": reaper})
    run_id, _ = await start(open_session, request, f"bench-{instance.id}-{uuid.uuid4().hex[:6]}"[:120])
    handle = open_session.run(run_id)
    try:
        outcome = await handle.result()
    except asyncio.CancelledError:
        await handle.signal("abort", "The benchmark was interrupted.")
        raise
    genealogy = await open_session.genealogy(run_id)
    return Result(
        id=instance.id,
        fixed=outcome.verdict is Verdict.FIXED,
        verdict=outcome.verdict,
        attempts=genealogy.attempts,
        branches=len(genealogy.branches),
        reaps=genealogy.reaps,
        tokens=genealogy.usage.tokens,
        seconds=round(genealogy.seconds, 1),
        reason=outcome.reason,
        run=run_id,
    )


def _print(results: list[Result]) -> None:
    table = Table("instance", "verdict", "branches", "attempts", "reaped", "tokens", "seconds", "reason")
    for result in results:
        counts = (result.branches, result.attempts, result.reaps, result.tokens, result.seconds)
        table.add_row(result.id, result.verdict, *map(str, counts), result.reason)
    output = console()
    output.print(table)
    fixed = sum(result.fixed for result in results)
    output.print(f"{fixed} of {len(results)} fixed")
