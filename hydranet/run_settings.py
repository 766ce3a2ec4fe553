"""The settings that travel with a run, for every node that works on it: convergence and sandbox.

Its third part is `hydranet.budget.Budget`. Of all these, `hydranet.settings` says what a repository may set or lower.
"""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from hydranet.bounded_models import CLEAN, BoundedModel, Name

_Command = Annotated[str, CLEAN, StringConstraints(max_length=2000)]
_Reference = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def _check_folder(folder: str) -> str:
    if folder.startswith("/") or ".." in folder.split("/"):
        raise ValueError("a folder is named from the top of the repository, as services/billing")
    return "/".join(part for part in folder.split("/") if part not in ("", "."))


_Folder = Annotated[str, CLEAN, StringConstraints(max_length=1000), AfterValidator(_check_folder)]


class ConvergenceSettings(BoundedModel):
    """How convergence is scored, and when a branch is dead."""

    alpha: Annotated[float, Field(ge=0, le=1)] = 0.45
    """The weight of patch similarity in the score."""

    beta: Annotated[float, Field(ge=0, le=1)] = 0.15
    """The weight of repeated commands in the score."""

    gamma: Annotated[float, Field(ge=0, le=1)] = 0.40
    """The weight of a repeated error in the score."""

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.75
    """The score above which a branch is dead."""

    window: Annotated[int, Field(ge=1, le=20)] = 3
    """The number of earlier attempts of its branch that an attempt is compared with."""


class SandboxSpec(BoundedModel):
    """How a run's sandbox is prepared and limited."""

    # Settings, which hold values of variables, are refused where this is to travel.
    model_config = ConfigDict(revalidate_instances="subclass-instances")

    setup: Annotated[tuple[_Command, ...], Field(max_length=20)] = ()
    """The commands that install what the tests need, with network; by default, what the repository declares."""

    env: Annotated[dict[Name, _Reference], Field(max_length=40)] = {}
    """The environment variables of the setup and the tests, as references to their values, which never travel."""

    folder: _Folder = ""
    """The folder of the repository in which tests run and whose files declare what they need; by default the project
    around the folder that --repo names."""

    test_command: Name = "python -m pytest -q"
    """The command that runs the tests."""

    test_timeout: Annotated[float, Field(gt=0, le=3600)] = 300.0
    """The time limit of one run of all tests, in seconds."""

    setup_timeout: Annotated[float, Field(gt=0, le=3600)] = 900.0
    """The time limit of the setup, in seconds."""

    memory_mb: Annotated[int, Field(ge=64)] = 2048
    """The memory of a sandbox, in MB."""

    processes: Annotated[int, Field(ge=8)] = 256
    """The number of processes that may run in a sandbox at the same time."""

    file_mb: Annotated[int, Field(ge=1)] = 256
    """The size of the largest file that a sandbox may write, in MB."""

    environment_mb: Annotated[int, Field(ge=64)] = 10_240
    """The size of an environment that the setup may make, in MB."""

    output_kb: Annotated[int, Field(ge=16)] = 2048
    """The most of what a command prints that is kept, in KB."""

    cpus: Annotated[float, Field(gt=0.0)] = 2.0
    """The number of processor cores that a sandbox may use."""

    flaky_reruns: Annotated[int, Field(ge=0, le=4)] = 0
    """How often a failing test run is repeated, at most 4 times; for each test the majority decides."""

    compare_seconds: Annotated[float, Field(ge=0, le=600)] = 15.0
    """The time for looking for further fixes that pass the same tests, and as long again for telling them apart by what
    they do, in seconds; 0 leaves both out."""
