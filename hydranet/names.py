"""Names that meet in several processes: task queues, workflows, branches of fixes, search attributes."""

from enum import StrEnum

SUPERVISOR_QUEUE = "hydra-supervisor"
INFERENCE_QUEUE = "hydra-inference"
RANKING_QUEUE = "hydra-inference-ranking"
RETRIEVAL_QUEUE = "hydra-retrieval"
SANDBOX_QUEUE = "hydra-sandbox"


class Role(StrEnum):
    """A part of the work, which a node takes."""

    SUPERVISOR = "supervisor"
    INFERENCE = "inference"
    SANDBOX = "sandbox"


ROLES_BY_QUEUE = {
    SUPERVISOR_QUEUE: "supervisor",
    INFERENCE_QUEUE: "inference",
    RANKING_QUEUE: "inference",
    RETRIEVAL_QUEUE: "inference",
    SANDBOX_QUEUE: "sandbox",
}
"""The role whose workers poll each shared task queue."""

BESIDE_INFERENCE = (RANKING_QUEUE, RETRIEVAL_QUEUE)
"""What an inference worker polls too, unless it is set to other purposes."""

QUEUES_BY_PURPOSE = {"repairs": INFERENCE_QUEUE, "ranking": RANKING_QUEUE, "embedding": RETRIEVAL_QUEUE}
"""The shared queue of each purpose of models; the code graph, which is searched by vectors, is part of `embedding`."""

OPTIONAL_QUEUES = {RANKING_QUEUE: "runs with a supervisor model wait for it"}
"""The shared queues that some runs never use, each with what is true of the others while nobody polls it."""

NODE_ROLES = ("inference", "sandbox")
"""The roles of nodes that join a cluster: a supervisor is trusted with everything, and works on node A."""


def name_host_queue(queue: str, host: str) -> str:
    """Return the name of the task queue that one host alone polls: that of `queue`, of the host with the id `host`."""
    return f"{queue}-{host}"


def name_node_queue(queue: str, host: str) -> str:
    """Return the name of the task queue on which a host's worker for `queue` is asked about itself, busy or not."""
    return f"{queue}-node-{host}"


def name_commit_queue(queue: str) -> str:
    """Return the name of the task queue for commits on the sandbox host that polls `queue`: they need no sandbox."""
    return f"{queue}-commits"


def name_notice_queue(host: str) -> str:
    """Return the name of the task queue on which the supervisor of a host delivers notices: no run waits for it."""
    return f"{SUPERVISOR_QUEUE}-notices-{host}"


def name_models_queue(purpose: str) -> str:
    """Return the name of the task queue of questions about the models of a purpose, by default those that repair.

    They wait for no answer of a model that is under way.
    """
    return f"{QUEUES_BY_PURPOSE.get(purpose, INFERENCE_QUEUE)}-models"


def find_shared_queue(name: str) -> str:
    """Return the shared queue that a task queue is, or belongs to; the name itself where it is none of ours."""
    owners = [queue for queue in ROLES_BY_QUEUE if name == queue or name.startswith(f"{queue}-")]
    return max(owners, key=len, default=name)


FIX_WORKFLOW = "FixIssueWorkflow"
SURVEY_WORKFLOW = "SurveyNodesWorkflow"
BRANCH_WORKFLOW = "BranchWorkflow"
COUNTERFACTUAL_WORKFLOW = "CounterfactualWorkflow"
MODELS_WORKFLOW = "AskModelsWorkflow"
NOTICE_WORKFLOW = "NoticeWorkflow"
SWEEP_WORKFLOW = "SweepWorkflow"
INDEX_WORKFLOW = "IndexRepositoryWorkflow"
EMBED_WORKFLOW = "EmbedTreeWorkflow"

OUR_WORKFLOWS = (FIX_WORKFLOW, BRANCH_WORKFLOW, COUNTERFACTUAL_WORKFLOW, INDEX_WORKFLOW, EMBED_WORKFLOW)
"""The workflows that need what was put into artifacts and caches since they began."""

VECTORS = "/vectors"
"""The suffix that makes an indexing workflow's id the id of the workflow that embeds its tree."""

FIX_BRANCH = "hydra/fix-"
"""The prefix of the Git branches that fixes are published as."""

SEARCH_ATTRIBUTES = {
    "HydraRepository": "Keyword",
    "HydraVerdict": "Keyword",
    "HydraBranches": "Int",
    "HydraReaps": "Int",
    "HydraHighestConvergence": "Double",
    "HydraReaped": "Datetime",
    "HydraWaits": "Keyword",
}
"""What the Temporal server can search runs by, each with its type."""
