"""What crosses a task queue: bounded models, queue names, workflow names, search attributes.

Bulk (prompts, logs, candidates, bundles) never crosses: it lies in the artifact store and travels
as an `ArtifactRef`.
"""

from hydranet.contracts.artifacts import ArtifactRef
from hydranet.contracts.inference import (
    AttemptDigest,
    DeadBranch,
    ImplementAnswer,
    Plan,
    PlanAnswer,
    RankAnswer,
    RankRequest,
    ReflectAnswer,
    StepRequest,
    StrategiesAnswer,
    StrategiesRequest,
    WarmUpRequest,
    Work,
)
from hydranet.contracts.repository import (
    Checkpoint,
    CommitRequest,
    NamedCheckpoint,
    Publication,
    PublishRequest,
    Snapshot,
    SnapshotRequest,
)
from hydranet.contracts.retrieval import (
    EmbedRequest,
    EmbedResult,
    FailingTest,
    FileSurvey,
    IndexProgress,
    IndexRequest,
    IndexResult,
    LinkResult,
    ParseRequest,
    Place,
    RememberFixRequest,
    Retrieval,
    RetrievedContext,
    RetrieveRequest,
)
from hydranet.contracts.runs import (
    AttemptReport,
    BranchRequest,
    BranchResult,
    BranchState,
    Counterfactual,
    FixRequest,
    ReapRequest,
    RecordRequest,
    RunResult,
)
from hydranet.contracts.sandbox import (
    Candidate,
    Candidates,
    CoverageRequest,
    Environment,
    Finding,
    Findings,
    InvestigateRequest,
    Investigation,
    Predicate,
    PrepareRequest,
    SandboxSpec,
    Spectrum,
    TestIndices,
    TestReport,
    TestRequest,
    TestResult,
    TestResults,
    TestsByLine,
    Trial,
    TrialRequest,
)

SUPERVISOR_QUEUE = "hydra-supervisor"
INFERENCE_QUEUE = "hydra-inference"
RETRIEVAL_QUEUE = "hydra-retrieval"
SANDBOX_QUEUE = "hydra-sandbox"

FIX_WORKFLOW = "FixIssueWorkflow"
FIX_BRANCH = "hydra/fix-"
BRANCH_WORKFLOW = "BranchWorkflow"
COUNTERFACTUAL_WORKFLOW = "CounterfactualWorkflow"
INDEX_WORKFLOW = "IndexRepositoryWorkflow"
EMBED_WORKFLOW = "EmbedTreeWorkflow"
VECTORS = "/vectors"
"""What the id of an indexing has after it to be that of the workflow that makes its vectors."""

SEARCH_ATTRIBUTES = {
    "HydraRepository": "Keyword",
    "HydraVerdict": "Keyword",
    "HydraBranches": "Int",
    "HydraReaps": "Int",
    "HydraHighestConvergence": "Double",
}

__all__ = [
    "BRANCH_WORKFLOW",
    "COUNTERFACTUAL_WORKFLOW",
    "EMBED_WORKFLOW",
    "FIX_BRANCH",
    "FIX_WORKFLOW",
    "INDEX_WORKFLOW",
    "INFERENCE_QUEUE",
    "RETRIEVAL_QUEUE",
    "SANDBOX_QUEUE",
    "SEARCH_ATTRIBUTES",
    "SUPERVISOR_QUEUE",
    "VECTORS",
    "ArtifactRef",
    "AttemptDigest",
    "AttemptReport",
    "BranchRequest",
    "BranchResult",
    "BranchState",
    "Candidate",
    "Candidates",
    "Checkpoint",
    "CommitRequest",
    "Counterfactual",
    "CoverageRequest",
    "DeadBranch",
    "EmbedRequest",
    "EmbedResult",
    "Environment",
    "FailingTest",
    "FileSurvey",
    "Finding",
    "Findings",
    "FixRequest",
    "ImplementAnswer",
    "IndexProgress",
    "IndexRequest",
    "IndexResult",
    "InvestigateRequest",
    "Investigation",
    "LinkResult",
    "NamedCheckpoint",
    "ParseRequest",
    "Place",
    "Plan",
    "PlanAnswer",
    "Predicate",
    "PrepareRequest",
    "Publication",
    "PublishRequest",
    "RankAnswer",
    "RankRequest",
    "ReapRequest",
    "RecordRequest",
    "ReflectAnswer",
    "RememberFixRequest",
    "Retrieval",
    "RetrieveRequest",
    "RetrievedContext",
    "RunResult",
    "SandboxSpec",
    "Snapshot",
    "SnapshotRequest",
    "Spectrum",
    "StepRequest",
    "StrategiesAnswer",
    "StrategiesRequest",
    "TestIndices",
    "TestReport",
    "TestRequest",
    "TestResult",
    "TestResults",
    "TestsByLine",
    "Trial",
    "TrialRequest",
    "WarmUpRequest",
    "Work",
]
