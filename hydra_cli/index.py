"""`hydra index`: index the code of a repository's HEAD, with a progress bar."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
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
from hydra_cli.terminal import make_console, write_line
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
from workflows.policies import explain_failure

_POLL_SECONDS = 0.5
# A supervisor that is there answers within milliseconds.
_QUERY_TIMEOUT = timedelta(seconds=3)

_PATIENCE_SECONDS = 5.0
"""How long embedding may be held up before the command returns without it."""


def index(
    repo: Annotated[Path, typer.Option(help="The Git repository.")] = Path(),
    embedding_model: Annotated[
        str | None,
        typer.Option(help="The model that embeds code: ollama:NAME or openai:URL#NAME; by default lexical vectors."),
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
    async with attach_session(chosen, to_work=True) as session:
        await session.register(str(repository.path))
        request = IndexRequest(
            repository_path=str(repository.path), host=session.host.id, embedding_model=chosen.embedding_model
        )
        try:
            handle = await _start_indexing(session, repository, request)
            _print_result(repository, await _follow_indexing(session, handle), time.monotonic() - began)
            await _follow_embedding(session, f"{handle.id}{VECTORS}", chosen.embedding_model or "lexical")
        except asyncio.CancelledError:
            write_line("Detached: the index keeps what is done, and the same command does the rest.", error=True)
            raise typer.Exit(130) from None


async def _start_indexing(
    session: Session, repository: Repository, request: IndexRequest
) -> WorkflowHandle[Any, IndexResult]:
    return await session.client.start_workflow(
        INDEX_WORKFLOW,
        request,
        id=format_indexing_id(session, repository),
        task_queue=SUPERVISOR_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        result_type=IndexResult,
        static_summary=f"the code graph of {repository.name}",
    )


def format_indexing_id(session: Session, repository: Repository) -> str:
    """Return the id of the workflow that indexes a repository of this host."""
    digest = hashlib.sha256(f"{session.host.id}\0{repository.path}".encode()).hexdigest()[:8]
    return f"index-{repository.name}-{digest}"


async def _follow_indexing(session: Session, handle: WorkflowHandle[Any, IndexResult]) -> IndexResult:
    ended = asyncio.create_task(handle.result())
    try:
        with _show_progress("listing the files") as (bar, task):
            before = ""
            while not (await asyncio.wait([ended], timeout=_POLL_SECONDS))[0]:
                progress, waiting = await _query_progress(session, handle)
                stage = progress.stage if progress else "waiting"
                bar.update(task, description=f"{stage} (waiting: {waiting})" if waiting else stage)
                if progress:
                    bar.update(task, total=progress.total or None, completed=progress.done)
                if waiting not in ("", before) and not bar.console.is_terminal:
                    write_line(f"waiting: {waiting}", error=True)
                before = waiting
        return await ended
    except WorkflowFailureError as failure:
        raise UsageError(explain_failure(failure)) from None
    finally:
        ended.cancel()


async def _query_progress(
    session: Session, handle: WorkflowHandle[Any, IndexResult]
) -> tuple[IndexProgress | None, str]:
    """Return how far the indexing is, None where nobody answers, and what it waits for."""
    progress: IndexProgress | None = None
    with contextlib.suppress(RPCError, WorkflowQueryFailedError):  # A worker or the server is restarting.
        progress = await handle.query("progress", result_type=IndexProgress, rpc_timeout=_QUERY_TIMEOUT)
        if progress.stage == "parsing":
            in_progress = await _count_in_progress(session, handle)
            progress = progress.model_copy(update={"done": progress.done + in_progress})
    with contextlib.suppress(RPCError):
        if waiting := await session.list_parked(handle.id):
            return progress, waiting[0]
    return progress, ""


async def _follow_embedding(session: Session, workflow_id: str, model: str) -> None:
    handle = session.client.get_workflow_handle(workflow_id, result_type=EmbedResult)
    ended = asyncio.create_task(handle.result())
    held_up = 0.0
    try:
        with _show_progress("making vectors") as (bar, task):
            while not (await asyncio.wait([ended], timeout=_POLL_SECONDS))[0]:
                count, waiting = await _query_embedding(session, handle)
                bar.update(task, description=f"making vectors, {count} made")
                held_up = held_up + _POLL_SECONDS if waiting else 0.0
                if held_up > _PATIENCE_SECONDS:
                    write_line(f"Vectors  They follow in the background, after this: {waiting[0]}")
                    return
        if count := (await ended).made:
            write_line(f"Vectors  {count} made, {model}")
    except WorkflowFailureError as failure:
        raise UsageError(f"The graph is indexed without vectors: {explain_failure(failure)}") from None
    finally:
        ended.cancel()


async def _query_embedding(session: Session, handle: WorkflowHandle[Any, EmbedResult]) -> tuple[int, list[str]]:
    try:
        count = (await handle.query("progress", result_type=EmbedResult)).made
        return count + await _count_in_progress(session, handle), await session.list_parked(handle.id)
    except (RPCError, WorkflowQueryFailedError):
        return 0, []  # A worker or the server is restarting.


async def _count_in_progress(session: Session, handle: WorkflowHandle[Any, Any]) -> int:
    # An activity's heartbeat says how many items of its batch are done.
    count = 0
    for activity in (await handle.describe()).raw_description.pending_activities:
        heartbeat = await session.client.data_converter.decode(activity.heartbeat_details.payloads)
        count += heartbeat[0] if heartbeat else 0
    return count


@contextlib.contextmanager
def _show_progress(description: str) -> Iterator[tuple[Progress, TaskID]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=make_console(error=True), transient=True) as bar:
        yield bar, bar.add_task(description, total=None)


def _print_result(repository: Repository, result: IndexResult, seconds: float) -> None:
    if result.parsed or result.linked:
        write_line(
            f"Indexed  {repository.name} at {result.commit[:12]}: {result.files} files, {result.parsed} parsed, "
            f"{result.linked} linked, {seconds:.1f} s"
        )
    else:
        write_line(f"Nothing changed: {result.files} files are indexed at {result.commit[:12]}. {seconds:.1f} s")
    if result.skipped:
        reasons = sorted(result.skipped.items(), key=lambda item: -item[1])
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons)
        write_line(f"Skipped  {sum(result.skipped.values())} files: {counts}")
    if repository.dirty:
        write_line("Note     uncommitted changes are not in the index: it is made of HEAD.")
