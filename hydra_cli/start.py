"""Starting a run, or finding the open run of the same repository and issue."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from temporalio.client import WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from hydra_cli.repository import Repository
from hydra_cli.session import Session
from hydranet.contracts import FIX_BRANCH, FIX_WORKFLOW, SUPERVISOR_QUEUE, FixRequest
from hydranet.errors import UsageError
from hydranet.policy import constitution
from hydranet.policy.constitution import Decision, Effect
from hydranet.settings import Settings, read_own_rules
from hydranet.strategy import slugify

_REPOSITORY = SearchAttributeKey.for_keyword("HydraRepository")


@dataclass(frozen=True)
class Start:
    """What the user wants fixed."""

    repository: Repository
    issue: str
    apply: bool = False

    @property
    def identity(self) -> str:
        """`fix-<repo name>-<hash of repo identity + issue>`."""
        digest = hashlib.sha256(f"{self.repository.path}\0{self.issue}".encode()).hexdigest()
        return f"fix-{self.repository.name}-{digest[:8]}"

    @property
    def title(self) -> str:
        """The issue's first line."""
        return self.issue.splitlines()[0]

    def ask_constitution(self) -> tuple[Decision, ...]:
        """Return the constitution's decisions about publishing the fix; UsageError when it refuses."""
        rules = constitution.load_rules(read_own_rules())
        decisions = [rules.decide("publish", f"{FIX_BRANCH}{slugify(self.title, 48)}")]
        if self.apply:
            decisions.append(rules.decide("apply", self.repository.branch))
        for decision in decisions:
            if decision.effect is Effect.REFUSED:
                raise UsageError(
                    f"The constitution does not let a run {decision.operation} {decision.subject} "
                    f"(rule {decision.rule}): {decision.reason}"
                )
        return tuple(decisions)

    async def build_request(self, chosen: Settings) -> FixRequest:
        """Return the run's request; UsageError when a model does not answer or no sandbox works here."""
        from activities.inference.backend import choose_default_model, probe

        if not chosen.temporal.address:
            from activities.sandbox.backends import check_sandbox

            await asyncio.to_thread(check_sandbox, chosen.sandbox)
        model = await choose_default_model(chosen.models) if chosen.model == "auto" else chosen.model
        for name in filter(None, (model, chosen.supervisor_model)):
            await probe(name, chosen.models)
        return FixRequest(
            repository_path=str(self.repository.path),
            repository_name=self.repository.name,
            title=self.title,
            issue=self.issue,
            model=model,
            supervisor_model=chosen.supervisor_model,
            templates_first=chosen.templates_first,
            parallel_branches=chosen.parallel_branches,
            require_approval=chosen.require_approval,
            decisions=self.ask_constitution(),
            apply=self.apply,
            budget=chosen.budget,
            convergence=chosen.convergence,
            sandbox=chosen.sandbox,
            repository_limit_mb=chosen.repository_limit_mb,
        )


async def start_run(session: Session, request: FixRequest, identity: str) -> tuple[str, bool]:
    """Start the run, and return its id and whether that run was open already.

    Every run has an id of its own, so that none overwrites another's record: the second run of the same
    repository and issue is `<identity>-2`.
    """
    number, run_id = 1, identity
    while True:
        try:
            await session.client.start_workflow(
                FIX_WORKFLOW,
                request,
                id=run_id,
                task_queue=SUPERVISOR_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=request.title,
                search_attributes=TypedSearchAttributes([SearchAttributePair(_REPOSITORY, request.repository_name)]),
            )
        except WorkflowAlreadyStartedError:
            if (await session.describe(run_id)).status is WorkflowExecutionStatus.RUNNING:
                return run_id, True
            number += 1
            run_id = f"{identity}-{number}"
        else:
            return run_id, False
