"""The roles of a node: the workers of each. A role is only task queues, so any node can take any of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.artifacts.database import open_database
from activities.artifacts.records import RecordActivities, read_genealogy
from activities.artifacts.store import ArtifactStore, PostgresArtifacts
from activities.artifacts.variables import SealedVariables, VariableStore, sweep_variables
from activities.background import run_beside
from activities.checkpoints.activities import CheckpointActivities, RepositoryActivities
from activities.checkpoints.registry import RepositoryRegistry
from activities.contests.activities import ContestActivities
from activities.git.objects import GitObjects
from activities.heartbeat import HEARTBEAT_SECONDS
from activities.history.activities import HistoryActivities
from activities.node.activities import NodeActivities
from activities.notices.activities import NoticeActivities
from activities.retention.activities import NodeSweeper, RecordSweeper
from activities.retrieval.activities import IndexActivities, RetrievalActivities
from activities.sandbox.backends import open_sandbox
from activities.sandbox.node_limits import NodeLimits
from activities.sandbox.protocol import Sandbox
from activities.waits.activities import WaitActivities
from hydranet.contracts import (
    INFERENCE_QUEUE,
    RANKING_QUEUE,
    RETRIEVAL_QUEUE,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    name_commit_queue,
    name_host_queue,
    name_models_queue,
    name_node_queue,
)
from hydranet.names import Role, name_notice_queue
from hydranet.policy import constitution
from hydranet.settings import Settings, read_own_rules
from workers.adoption import adopt_open_runs
from workers.connection import is_open
from workers.exporter import Exporter
from workers.farewell import load_targets
from workers.host import Host, load_host
from workers.model_server import build_model_server
from workers.node_notices import NodeNotices
from workers.node_queues import list_node_sweeps
from workers.node_watch import watch_nodes
from workers.notices import NoticeSender
from workers.outages import watch_server
from workers.run_notices import RunNotices
from workers.sealed_results import SealedResultsRunner
from workers.sealing import KeyRing
from workers.slots import count_core_slots, count_sandbox_slots
from workers.stack import name_build
from workers.sweeps import arrange_sweeps
from workers.versions import VersionGuard, build_activity_client, watch_version
from workers.worker_metrics import measure_fleet, measure_models, measure_node, measure_sandboxes
from workflows.ask_models import AskModelsWorkflow
from workflows.branch import BranchWorkflow
from workflows.counterfactual import CounterfactualWorkflow
from workflows.deliver_notice import NoticeWorkflow
from workflows.embed_tree import EmbedTreeWorkflow
from workflows.fix_issue import FixIssueWorkflow
from workflows.index_repository import IndexRepositoryWorkflow
from workflows.survey_nodes import SurveyNodesWorkflow
from workflows.sweep import SweepWorkflow

END = timedelta(seconds=2)
"""How long activities that are under way may take when a worker ends: the short ones are finished then."""

# Git is at work for a tenth of a second.
_COMMITS = 4
# They wait for the database more than they work.
_RECORDS = 16
_NOTICES = 8

WORKFLOWS = [
    FixIssueWorkflow,
    BranchWorkflow,
    CounterfactualWorkflow,
    IndexRepositoryWorkflow,
    EmbedTreeWorkflow,
    SurveyNodesWorkflow,
    SweepWorkflow,
    NoticeWorkflow,
    AskModelsWorkflow,
]


@asynccontextmanager
async def run_workers(
    client: Client,
    settings: Settings,
    roles: Sequence[Role],
    keys: KeyRing,
    guard: VersionGuard,
    *,
    embedded: bool,
    exporter: Exporter | None = None,
) -> AsyncIterator[None]:
    """Poll the task queues of the given roles until the block is left; calls of models may then be finished.

    Not where an `embedded` stack ends, whose runs are all its owner's: these get the sandboxes that they ask for.
    A supervisor and a sandbox also poll a queue of this host alone, where what concerns its repositories, and the
    environments that it has prepared, arrives. Raises UsageError where the stack has another version or other keys.
    """
    host = load_host(settings.data_dir)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_database(settings.database))
        await stack.enter_async_context(watch_version(pool, guard, keys, roles))
        artifacts = PostgresArtifacts(pool)
        objects = GitObjects(settings.data_dir / "cache", artifacts)
        await stack.enter_async_context(watch_server(client, reports=Role.SUPERVISOR in roles))
        await stack.enter_async_context(measure_node(exporter, host, settings))
        for role in roles:
            if role is Role.SANDBOX:
                sandbox = await stack.enter_async_context(open_sandbox(settings.sandbox, settings.data_dir / "sandbox"))
                variables = SealedVariables(pool, keys)
                limits = NodeLimits() if embedded else NodeLimits.of_owner(settings.sandbox)
                for worker in _make_sandbox_workers(
                    client, host, settings, sandbox, artifacts, objects, variables, limits
                ):
                    await stack.enter_async_context(worker)
                await stack.enter_async_context(measure_sandboxes(exporter, host))
            elif role is Role.INFERENCE:
                patience = END if embedded else timedelta(seconds=settings.models.total)
                await stack.enter_async_context(
                    _inference_workers(client, host, settings, pool, artifacts, objects, keys, patience, exporter)
                )
            else:
                with suppress(RPCError):
                    await sweep_variables(pool, partial(is_open, client))
                    await adopt_open_runs(client, RepositoryRegistry(settings.data_dir))
                await stack.enter_async_context(run_beside(arrange_sweeps(client, pool)))
                sender = NoticeSender(client, host, load_targets)
                runs = RunNotices(client, partial(read_genealogy, pool), sender, settings.data_dir)
                await stack.enter_async_context(run_beside(runs.keep()))
                nodes = NodeNotices(client, sender)
                await stack.enter_async_context(watch_nodes(client, host.identify(role), nodes.hear))
                await stack.enter_async_context(measure_fleet(exporter, client, pool))
                for worker in _make_supervisor_workers(client, host, settings, pool, artifacts, keys):
                    await stack.enter_async_context(worker)
            await stack.enter_async_context(_make_node_worker(client, host, settings, role, pool))
        yield


def build_workflow_runner() -> SandboxedWorkflowRunner:
    """Return the workflow sandbox, which passes our pure modules and the activities' types through."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules("hydranet", "activities")
    return SealedResultsRunner(restrictions=restrictions)


def _make_supervisor_workers(
    client: Client,
    host: Host,
    settings: Settings,
    pool: AsyncConnectionPool,
    artifacts: ArtifactStore,
    keys: KeyRing,
) -> list[Worker]:
    registry = RepositoryRegistry(settings.data_dir, host.name)
    repository = RepositoryActivities(
        artifacts,
        # Read anew for each fix, so that a rule counts from when it is written.
        lambda: constitution.load_rules(read_own_rules()),
        registry,
        asks_always=settings.require_approval,
    )
    records = RecordActivities(pool, artifacts)
    on_repositories = [
        repository.snapshot_repository,
        repository.review_fix,
        repository.publish_fix,
        _index_activities(settings, pool, artifacts, registry.check).survey_repository,
    ]
    calls = [
        # What began before hosts had queues of their own ends here.
        *on_repositories,
        records.store_issue,
        records.record_genealogy,
        records.read_skills,
        records.record_skills,
        records.forget_variables,
        HistoryActivities(client, pool, keys).record_log,
        RecordSweeper(client, pool, keys, settings, partial(list_node_sweeps, client)).sweep_records,
        WaitActivities().measure_waits,
        ContestActivities(artifacts).settle_contest,
    ]
    identity = host.identify(Role.SUPERVISOR)
    slots = count_core_slots()
    decisions = {
        "workflows": WORKFLOWS,
        "workflow_runner": build_workflow_runner(),
        "max_concurrent_workflow_tasks": slots,
    }
    own = name_host_queue(SUPERVISOR_QUEUE, host.id)
    notices = [
        NoticeActivities(load_targets).deliver_notice,
    ]
    return [
        _make_worker(client, SUPERVISOR_QUEUE, identity, calls, max_concurrent_activities=_RECORDS, **decisions),
        _make_worker(client, own, identity, on_repositories, max_concurrent_activities=slots),
        # Of their own, since a target that is slow would take the slots of runs.
        _make_worker(client, name_notice_queue(host.id), identity, notices, max_concurrent_activities=_NOTICES),
    ]


@asynccontextmanager
async def _inference_workers(
    client: Client,
    host: Host,
    settings: Settings,
    pool: AsyncConnectionPool,
    artifacts: ArtifactStore,
    objects: GitObjects,
    keys: KeyRing,
    patience: timedelta,
    exporter: Exporter | None,
) -> AsyncIterator[None]:
    from activities.inference.activities import InferenceActivities, ModelActivities
    from activities.inference.backend import Backends
    from activities.inference.broadcast import Broadcaster

    backends = Backends(artifacts, objects, settings.models)
    server = build_model_server(settings, backends.warm_up)
    wait = server.wait_until_served if server else None
    broadcaster = Broadcaster(pool, keys)
    inference = InferenceActivities(backends, wait, broadcaster)
    ranking = [
        inference.rank_strategies,
        inference.vote,
        inference.criticise,
    ]
    calls = [
        # What began before ranking had a queue of its own ends here.
        *ranking,
        inference.warm_up,
        inference.rank_places,
        inference.reproduce,
        inference.propose_strategies,
        inference.plan,
        inference.implement,
        inference.reflect,
    ]
    async with AsyncExitStack() as stack:
        if server:
            await stack.enter_async_context(server.keep())
        await stack.enter_async_context(broadcaster.open())
        await stack.enter_async_context(measure_models(exporter, client, backends, settings))
        identity, purposes = host.identify(Role.INFERENCE), settings.models.purposes
        limits = {"max_concurrent_activities": settings.models.slots, "graceful_shutdown_timeout": patience}
        questions = [
            ModelActivities(settings, wait).ask_models,
        ]
        workers = [_make_worker(client, name_models_queue(purpose), identity, questions) for purpose in purposes]
        if "ranking" in purposes:
            workers.append(_make_worker(client, RANKING_QUEUE, identity, ranking, **limits))
        if "embedding" in purposes:
            workers.append(_make_retrieval_worker(client, identity, settings, pool, artifacts, objects))
        # The last: who watches this queue takes the others to be served by then.
        if "repairs" in purposes:
            workers.append(_make_worker(client, INFERENCE_QUEUE, identity, calls, **limits))
        for worker in workers:
            await stack.enter_async_context(worker)
        yield
        # All at once: none takes further work while another finishes what it has.
        await asyncio.gather(*(worker.shutdown() for worker in workers))


def _make_retrieval_worker(
    client: Client,
    identity: str,
    settings: Settings,
    pool: AsyncConnectionPool,
    artifacts: ArtifactStore,
    objects: GitObjects,
) -> Worker:
    from activities.retrieval.search_cache import StoredSearches

    index = _index_activities(settings, pool, artifacts)
    retrieval = RetrievalActivities(artifacts, objects, StoredSearches(pool, settings))
    calls = [
        retrieval.write_tests,
        retrieval.choose_target,
        retrieval.judge_drafts,
        retrieval.retrieve,
        retrieval.find_place,
        retrieval.remember_fix,
        index.parse_files,
        index.link_files,
        index.embed_nodes,
    ]
    # So few at a time that the batches of a large repository spread over the nodes.
    slots = count_core_slots(most=4)
    return _make_worker(client, RETRIEVAL_QUEUE, identity, calls, max_concurrent_activities=slots)


def _index_activities(
    settings: Settings,
    pool: AsyncConnectionPool,
    artifacts: ArtifactStore,
    check_registered: Callable[[str], None] = lambda _: None,
) -> IndexActivities:
    from activities.retrieval.embeddings import Vectors
    from activities.retrieval.indexing import Indexer
    from activities.retrieval.store import GraphStore

    store = GraphStore(pool)
    return IndexActivities(artifacts, Indexer(store), Vectors(store, settings.models), check_registered)


def _make_sandbox_workers(
    client: Client,
    host: Host,
    settings: Settings,
    backend: Sandbox,
    artifacts: ArtifactStore,
    objects: GitObjects,
    variables: VariableStore,
    limits: NodeLimits,
) -> list[Worker]:
    from activities.sandbox.activities import SandboxActivities

    rules = constitution.load_rules(read_own_rules())
    own = name_host_queue(SANDBOX_QUEUE, host.id)
    sandbox = SandboxActivities(
        *(backend, artifacts, objects, settings.data_dir / "cache", variables, rules),
        queue=own,
        host=host.name,
        limits=limits,
    )
    checkpoints = CheckpointActivities(artifacts, objects)
    calls = [
        sandbox.prepare_environment,
        sandbox.run_tests,
        sandbox.measure_coverage,
        sandbox.investigate,
        sandbox.try_candidates,
        sandbox.format_fix,
        checkpoints.commit_checkpoint,
    ]
    commits = [checkpoints.commit_checkpoint]
    identity = host.identify(Role.SANDBOX)
    slots = count_sandbox_slots(settings.sandbox)
    return [
        _make_worker(client, SANDBOX_QUEUE, identity, calls, max_concurrent_activities=slots.preparations),
        _make_worker(client, own, identity, calls, max_concurrent_activities=slots.tests),
        _make_worker(client, name_commit_queue(own), identity, commits, max_concurrent_activities=_COMMITS),
    ]


def _make_node_worker(client: Client, host: Host, settings: Settings, role: Role, pool: AsyncConnectionPool) -> Worker:
    """Return the worker that tells of this node, also while all slots of the others are taken."""
    queue = {Role.SUPERVISOR: SUPERVISOR_QUEUE, Role.INFERENCE: INFERENCE_QUEUE, Role.SANDBOX: SANDBOX_QUEUE}[role]
    calls = [
        NodeActivities(settings, queue).survey_node,
        NodeSweeper(settings, host.name, pool, RepositoryRegistry(settings.data_dir, host.name)).sweep_node,
    ]
    few = {"max_concurrent_activities": 4, "max_concurrent_activity_task_polls": 1}
    return _make_worker(client, name_node_queue(queue, host.id), host.identify(role), calls, **few)


def _make_worker(client: Client, queue: str, identity: str, activities: Sequence[Any], **options: Any) -> Worker:
    return Worker(
        client if "workflows" in options else build_activity_client(client),
        task_queue=queue,
        identity=identity,
        # The server shows it to others; which worker takes a task does not depend on it.
        deployment_config=WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(deployment_name="hydranet", build_id=name_build()),
            use_worker_versioning=False,
        ),
        activities=activities,
        # A cancellation arrives with the answer to a heartbeat, so the SDK may not hold heartbeats back.
        max_heartbeat_throttle_interval=timedelta(seconds=HEARTBEAT_SECONDS),
        default_heartbeat_throttle_interval=timedelta(seconds=HEARTBEAT_SECONDS),
        # What takes longer is cancelled, and Temporal has another worker make it.
        **{"graceful_shutdown_timeout": END, **options},
    )
