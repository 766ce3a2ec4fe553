"""`hydra index`: put the code graph of a repository's HEAD into the store, showing how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from hydra_cli.repository import Repository
from hydra_cli.session import Session, attach_session
from hydranet import settings
from hydranet.contracts import (
    INDEX_WORKFLOW,
    SUPERVISOR_QUEUE,
    VECTORS,
    EmbedResult,
    IndexProgress,
    IndexRequest,
    IndexResult,
)
from hydranet.errors import UsageError
from hydranet.settings import Settings
from workflows.failures import find_root_failure

_POLL_SECONDS = 0.5

# Vectors that fail for so long are not waited for.
_PATIENCE_SECONDS = 5.0


def index(
    repo: Annotated[Path, typer.Option(help="The Git repository.")] = Path(),
    embedding_model: Annotated[
        str | None, typer.Option(help="ollama:NAME or openai:URL#NAME; lexical vectors when left out.")
    ] = None,
) -> None:
    """Index the committed code of a repository; only what has changed is read again."""
    repository = Repository.open(repo)
    chosen = settings.load_settings(repository.path, {"embedding_model": embedding_model})
    asyncio.run(_index(repository, chosen))


async def _index(repository: Repository, chosen: Settings) -> None:
    if chosen.embedding_model:
        from activities.inference.backend import connect_embeddings

        connect_embeddings(chosen.embedding_model, chosen.models)
    began = time.monotonic()
    async with attach_session(chosen) as session:
        request = IndexRequest(repository_path=str(repository.path), embedding_model=chosen.embedding_model)
        try:
            handle = await _started(session, repository, request)
            _tell(repository, await _followed(session, handle), time.monotonic() - began)
            await _tell_vectors(session, f"{handle.id}{VECTORS}", chosen.embedding_model or "lexical")
        except asyncio.CancelledError:
            typer.echo("Detached: what is done is kept, and the same command carries on.", err=True)
            raise typer.Exit(130) from None


async def _started(session: Session, repository: Repository, request: IndexRequest) -> WorkflowHandle[Any, IndexResult]:
    """The indexing of this repository, which may be under way already."""
    return await session.client.start_workflow(
        INDEX_WORKFLOW,
        request,
        id=follow_indexing(repository),
        task_queue=SUPERVISOR_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        result_type=IndexResult,
        static_summary=f"the code graph of {repository.name}",
    )


async def _followed(session: Session, handle: WorkflowHandle[Any, IndexResult]) -> IndexResult:
    ended = asyncio.create_task(handle.result())
    try:
        with _bar("listing the files") as (bar, task):
            while not (await asyncio.wait([ended], timeout=_POLL_SECONDS))[0]:
                if progress := await _progress(session, handle):
                    bar.update(task, description=progress.stage, total=progress.total or None, completed=progress.done)
        return await ended
    except WorkflowFailureError as failure:
        raise UsageError(find_root_failure(failure).message) from None
    finally:
        ended.cancel()


async def _progress(session: Session, handle: WorkflowHandle[Any, IndexResult]) -> IndexProgress | None:
    """How far it is, with what the heartbeats of the steps under way say; None while nobody can tell."""
    try:
        progress: IndexProgress = await handle.query("progress", result_type=IndexProgress)
        under_way = await _under_way(session, handle)
        waiting = await session.list_parked(handle.id)
    except (RPCError, WorkflowQueryFailedError):
        return None
    stage = f"{progress.stage} (waiting: {waiting[0]})" if waiting else progress.stage
    done = progress.done + under_way if progress.stage == "parsing" else progress.done
    return progress.model_copy(update={"stage": stage[:300], "done": done})


async def _tell_vectors(session: Session, workflow_id: str, kind: str) -> None:
    """Tell how many vectors were made; or, once something has held them up for a while, what."""
    handle = session.client.get_workflow_handle(workflow_id, result_type=EmbedResult)
    ended = asyncio.create_task(handle.result())
    held_up = 0.0
    try:
        with _bar("making vectors") as (bar, task):
            while not (await asyncio.wait([ended], timeout=_POLL_SECONDS))[0]:
                made, waiting = await _embedded(session, handle)
                bar.update(task, description=f"making vectors, {made} made")
                held_up = held_up + _POLL_SECONDS if waiting else 0.0
                if held_up > _PATIENCE_SECONDS:
                    typer.echo(f"Vectors  They follow once this is over: {waiting[0]}")
                    return
        if made := (await ended).made:
            typer.echo(f"Vectors  {made} made, {kind}")
    except WorkflowFailureError as failure:
        raise UsageError(f"The graph is indexed without vectors: {find_root_failure(failure).message}") from None
    finally:
        ended.cancel()


async def _embedded(session: Session, handle: WorkflowHandle[Any, EmbedResult]) -> tuple[int, list[str]]:
    """How many vectors are made, and what more of them wait for; neither while nobody can tell."""
    try:
        made = (await handle.query("progress", result_type=EmbedResult)).made
        return made + await _under_way(session, handle), await session.list_parked(handle.id)
    except (RPCError, WorkflowQueryFailedError):
        return 0, []


async def _under_way(session: Session, handle: WorkflowHandle[Any, Any]) -> int:
    """How much of their work the steps under way have done, by their heartbeats."""
    done = 0
    for activity in (await handle.describe()).raw_description.pending_activities:
        beat = await session.client.data_converter.decode(activity.heartbeat_details.payloads)
        done += beat[0] if beat else 0
    return done


@contextlib.contextmanager
def _bar(description: str) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on standard error, and its task."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar, bar.add_task(description, total=None)


def _tell(repository: Repository, result: IndexResult, seconds: float) -> None:
    if result.parsed or result.linked:
        typer.echo(
            f"Indexed  {repository.name} at {result.commit[:12]}: {result.files} files, {result.parsed} parsed, "
            f"{result.linked} linked, {seconds:.1f} s"
        )
    else:
        typer.echo(f"Nothing changed: {result.files} files are indexed at {result.commit[:12]}. {seconds:.1f} s")
    if result.skipped:
        reasons = sorted(result.skipped.items(), key=lambda item: -item[1])
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons)
        typer.echo(f"Skipped  {sum(result.skipped.values())} files: {counts}")
    if repository.dirty:
        typer.echo("Note     uncommitted changes are not in the index: it is made of HEAD.")


def follow_indexing(repository: Repository) -> str:
    """The id of the workflow that indexes a repository; that of the one for its vectors has VECTORS after it."""
    digest = hashlib.sha256(str(repository.path).encode()).hexdigest()[:8]
    return f"index-{repository.name}-{digest}"
