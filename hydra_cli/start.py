"""Starting a run, or finding the open run of the same repository and issue."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from temporalio.client import WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.artifacts.database import open_database
from activities.artifacts.variables import SealedVariables, sweep_variables
from activities.history.catalogue import RunCatalogue
from hydra_cli.repository import Repository
from hydra_cli.session import Session
from hydranet.contracts import (
    FIX_BRANCH,
    FIX_WORKFLOW,
    SANDBOX_QUEUE,
    SUPERVISOR_QUEUE,
    AskedModel,
    BranchRequest,
    Expectation,
    FixRequest,
    ModelsRequest,
    name_models_queue,
)
from hydranet.errors import UsageError
from hydranet.names import ROLES_BY_QUEUE
from hydranet.policy import constitution
from hydranet.policy.constitution import Decision, Effect
from hydranet.question import ANSWERS
from hydranet.settings import Settings, read_own_rules
from hydranet.strategy import TEMPLATES, slugify
from hydranet.text.issue_title import find_title
from workers.cluster.folder import ClusterFolder
from workers.connection import is_open
from workers.stack import StackFolder
from workers.temporal_profile import choose_server

Request = TypeVar("Request", FixRequest, BranchRequest)

_HOST = "host"
_REPOSITORY = SearchAttributeKey.for_keyword("HydraRepository")


@dataclass(frozen=True)
class Start:
    """What the user wants fixed: the bug of an issue, that of the failing tests in `target`, or what is expected.

    `destination` is the project in which a pull request is to be opened, empty without one. One that `asks` waits for a
    person where the tests do not tell two fixes apart.
    """

    repository: Repository
    issue: str
    apply: bool = False
    target: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    issue_url: str = ""
    destination: str = ""
    asks: bool = False

    @property
    def identity(self) -> str:
        """`fix-<repo name>-<hash of repo identity, issue, target and expectations>`.

        An issue on a forge stays the same one when somebody comments on it.
        """
        place = self.repository.path / self.repository.project
        wanted = [*self.target, *(expectation.model_dump_json() for expectation in self.expectations)]
        digest = hashlib.sha256("\0".join([str(place), self.issue_url or self.issue, *wanted]).encode()).hexdigest()
        return f"fix-{self.repository.name}-{digest[:8]}"

    @property
    def title(self) -> str:
        """The issue's first sentence that says something."""
        return find_title(self.issue)

    @property
    def slug(self) -> str:
        """What the branch of the fix is called after."""
        return slugify(self.title, 48, self.identity.removeprefix("fix-"))

    def ask_constitution(self) -> tuple[Decision, ...]:
        """Return the constitution's decisions about publishing the fix; UsageError when it refuses."""
        rules = constitution.load_rules(read_own_rules())
        decisions = [rules.decide("publish", f"{FIX_BRANCH}{self.slug}")]
        if self.apply:
            decisions.append(rules.decide("apply", self.repository.branch))
        if self.destination:
            decisions.append(rules.decide("open_pull_request", self.destination))
        for decision in decisions:
            if decision.effect is Effect.REFUSED:
                raise UsageError(
                    f"The constitution does not let a run {decision.operation} {decision.subject} "
                    f"(rule {decision.rule}): {decision.reason}"
                )
        return tuple(decisions)

    async def build_request(
        self, session: Session, chosen: Settings, warn: Callable[[str], None] = lambda _: None
    ) -> FixRequest:
        """Return the run's request, still without variables; `warn` of a model that answers without sense.

        The models are asked where they are called. Raises UsageError when one does not answer there.
        """
        model = await find_model(session, chosen, warn)
        return FixRequest(
            repository_path=str(self.repository.path),
            repository_name=self.repository.name,
            title=self.title,
            issue=self.issue,
            issue_url=self.issue_url,
            target=self.target,
            expectations=self.expectations,
            model=model,
            supervisor_model=chosen.supervisor_model,
            templates_first=chosen.templates_first,
            allocation=chosen.allocation,
            parallel_branches=chosen.parallel_branches,
            require_approval=chosen.require_approval,
            questions=ANSWERS if self.asks else 0,
            decisions=self.ask_constitution(),
            apply=self.apply,
            budget=chosen.budget,
            convergence=chosen.convergence,
            sandbox=chosen.sandbox.make_spec({}),
            repository_limit_mb=chosen.repository_limit_mb,
        )


async def check_machine(chosen: Settings) -> None:
    """Raise UsageError when a stack that is to start on this machine is to have a sandbox, and none works here."""
    cluster = ClusterFolder(chosen.data_dir)
    has_sandbox = not cluster.exists or ROLES_BY_QUEUE[SANDBOX_QUEUE] in cluster.load_config().roles
    if choose_server(chosen.temporal).address or StackFolder(chosen.data_dir).find_stack():
        return
    if has_sandbox:
        from activities.sandbox.backends import check_sandbox

        await asyncio.to_thread(check_sandbox, chosen.sandbox)


async def find_model(session: Session, chosen: Settings, warn: Callable[[str], None]) -> str:
    """Return the model that the settings name, found where models are called; `warn` of what it lacks.

    Raises UsageError when a model does not answer there, and where nobody can say which model `auto` is.
    """
    coder = await _ask_model(session, AskedModel(model=chosen.model, purpose="repairs"), warn)
    if coder is None and chosen.model == "auto":
        raise UsageError(
            "No inference worker answers which model there is: start one with `hydra worker inference`, or name a "
            "model with --model."
        )
    if chosen.supervisor_model:
        await _ask_model(session, AskedModel(model=chosen.supervisor_model, purpose="ranking"), warn)
    return coder or chosen.model


async def _ask_model(session: Session, asked: AskedModel, warn: Callable[[str], None]) -> str | None:
    """Return the model where it answers, None where nobody is there to ask; UsageError where it does not."""
    if asked.model == TEMPLATES and await session.works_here(name_models_queue(asked.purpose)):
        return TEMPLATES  # They always answer, and what would ask them here takes long to import.
    from hydra_cli.model_questions import ask_models

    answer = await ask_models(session, ModelsRequest(models=(asked,), purpose=asked.purpose), warn)
    if answer is None:
        warn(
            f"Warning  No inference worker answers for {asked.purpose}: the run waits for one, and whether it has the "
            "model shows then."
        )
        return None
    model = answer.models[0]
    if model.problem:
        raise UsageError(model.problem)
    if model.warning:
        warn(f"Warning  {model.warning}")
    return model.model


async def start_run(
    session: Session,
    request: FixRequest,
    identity: str,
    variables: Mapping[str, str],
    recorded: Collection[str] = (),
) -> tuple[str, bool]:
    """Start the run with the values of `sandbox.env`, and return its id and whether that run was open already.

    Every run has an id of its own, so that none overwrites another's record: the second run of the same
    repository and issue is `<identity>-2`. So is that of a repository at the same path of another host, and where the
    id is one of those `recorded` whose run Temporal has forgotten. The repository is registered here. Raises
    UsageError when no supervisor works for this host.
    """
    await session.register(request.repository_path)
    request = request.model_copy(update={"host": session.host.id})
    number, run_id = 1, identity
    while True:
        if run_id in recorded and await session.find_status(run_id) is None:
            number += 1  # Temporal has forgotten it, or it came by `hydra import`: its record stays.
            run_id = f"{identity}-{number}"
            continue
        references = await keep_variables(session, run_id, variables)
        try:
            await session.client.start_workflow(
                FIX_WORKFLOW,
                set_variables(request, references),
                id=run_id,
                task_queue=SUPERVISOR_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=request.title,
                memo={_HOST: session.host.id},
                search_attributes=TypedSearchAttributes([SearchAttributePair(_REPOSITORY, request.repository_name)]),
            )
        except WorkflowAlreadyStartedError:
            await forget_variables(session, references)
            described = await session.describe(run_id)
            # A run from before hosts had ids has none.
            host = await described.memo_value(_HOST, "")
            if described.status is WorkflowExecutionStatus.RUNNING and host in ("", session.host.id):
                return run_id, True
            number += 1
            run_id = f"{identity}-{number}"
        else:
            return run_id, False


async def list_recorded(session: Session, identity: str) -> set[str]:
    """Return the ids of runs on record that a run of this identity may not have."""
    async with open_database(session.stack.database) as pool:
        return await RunCatalogue(pool).list_ids(identity)


async def keep_variables(session: Session, workflow_id: str, values: Mapping[str, str]) -> dict[str, str]:
    """Keep the values of `sandbox.env` sealed for a workflow that is about to start; return their references."""
    if not values:
        return {}
    async with open_database(session.stack.database) as pool:
        await sweep_variables(pool, partial(is_open, session.client))
        return await SealedVariables(pool, session.keys).keep(workflow_id, values)


async def forget_variables(session: Session, references: Mapping[str, str]) -> None:
    """Remove values that were kept."""
    if references:
        async with open_database(session.stack.database) as pool:
            await SealedVariables(pool, session.keys).remove(references.values())


def set_variables(request: Request, references: Mapping[str, str]) -> Request:
    """Return a request with references to the values of `sandbox.env`."""
    sandbox = request.sandbox.model_copy(update={"env": dict(references)})
    return request.model_copy(update={"sandbox": sandbox})
