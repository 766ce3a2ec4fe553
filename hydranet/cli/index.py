"""`hydra index`: put the code graph of a repository's HEAD into the store, showing how far it is."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import FailureError
from temporalio.service import RPCError

from hydranet import settings
from hydranet.cli.repository import Repository
from hydranet.cli.session import Session, session
from hydranet.contracts import INDEX_WORKFLOW, SUPERVISOR_QUEUE, IndexProgress, IndexRequest, IndexResult
from hydranet.errors import UsageError
from hydranet.settings import Settings

_POLL_SECONDS = 0.2


def index(
    repo: Annotated[Path, typer.Option(help="The Git repository.")] = Path(),
    embedding_model: Annotated[
        str | None, typer.Option(help="ollama:NAME or openai:URL#NAME; lexical vectors when left out.")
    ] = None,
) -> None:
    """Index the committed code of a repository; the same command again does only what is new."""
    repository = Repository.open(repo)
    chosen = settings.load(repository.path, {"embedding_model": embedding_model})
    asyncio.run(_index(repository, chosen))


async def _index(repository: Repository, chosen: Settings) -> None:
    if chosen.embedding_model:
        from activities.inference.backend import connect_embeddings, probe

        connect_embeddings(chosen.embedding_model, chosen.models)
        await probe(chosen.embedding_model, chosen.models)
    began = time.monotonic()
    async with session(chosen) as open_session:
        request = IndexRequest(path=str(repository.path), embedding_model=chosen.embedding_model)
        result = await _followed(open_session, await _started(open_session, repository, request))
    _tell(repository, request, result, time.monotonic() - began)


async def _started(
    open_session: Session, repository: Repository, request: IndexRequest
) -> WorkflowHandle[Any, IndexResult]:
    """The indexing of this repository, which may be under way already."""
    digest = hashlib.sha256(request.path.encode()).hexdigest()[:8]
    return await open_session.client.start_workflow(
        INDEX_WORKFLOW,
        request,
        id=f"index-{repository.name}-{digest}",
        task_queue=SUPERVISOR_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        result_type=IndexResult,
        static_summary=f"the code graph of {repository.name}",
    )


async def _followed(open_session: Session, handle: WorkflowHandle[Any, IndexResult]) -> IndexResult:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    ended = asyncio.create_task(handle.result())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("listing the files", total=None)
            while not (await asyncio.wait([ended], timeout=_POLL_SECONDS))[0]:
                if progress := await _progress(open_session, handle):
                    bar.update(task, description=progress.stage, total=progress.total or None, completed=progress.done)
        return await ended
    except WorkflowFailureError as failure:
        raise UsageError(_root(failure)) from None
    finally:
        ended.cancel()


async def _progress(open_session: Session, handle: WorkflowHandle[Any, IndexResult]) -> IndexProgress | None:
    """How far it is, with what the heartbeats of the steps under way say; None while nobody can tell."""
    try:
        progress: IndexProgress = await handle.query("progress", result_type=IndexProgress)
        pending = (await handle.describe()).raw_description.pending_activities
        waiting = await open_session.parked(handle.id)
    except (RPCError, WorkflowQueryFailedError):
        return None
    under_way = 0
    for activity in pending:
        beat = await open_session.client.data_converter.decode(activity.heartbeat_details.payloads)
        under_way += beat[0] if beat else 0
    stage = f"{progress.stage} (waiting: {waiting[0]})" if waiting else progress.stage
    if progress.stage == "parsing":
        return progress.model_copy(update={"stage": stage, "done": progress.done + under_way})
    made = f", {progress.vectors + under_way} made" if progress.vectors + under_way else ""
    return progress.model_copy(update={"stage": f"{stage}{made}"[:300]})


def _tell(repository: Repository, request: IndexRequest, result: IndexResult, seconds: float) -> None:
    kind = request.embedding_model or "lexical"
    if result.parsed or result.linked or result.vectors:
        typer.echo(
            f"Indexed  {repository.name} at {result.commit[:12]}: {result.files} files, {result.parsed} parsed, "
            f"{result.linked} linked, {result.vectors} {kind} vectors, {seconds:.1f} s"
        )
    else:
        typer.echo(f"Nothing changed: {result.files} files are indexed at {result.commit[:12]}. {seconds:.1f} s")
    if result.skipped:
        reasons = sorted(result.skipped.items(), key=lambda item: -item[1])
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons)
        typer.echo(f"Skipped  {sum(result.skipped.values())} files: {counts}")
    if repository.dirty:
        typer.echo("Note     uncommitted changes are not in the index: it is made of HEAD.")


def _root(error: BaseException) -> str:
    while isinstance(error.__cause__, FailureError):
        error = error.__cause__
    return error.message if isinstance(error, FailureError) else str(error)
