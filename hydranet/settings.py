"""Settings from `hydra.config.json`, HYDRA_* environment variables and command-line flags, the later winning."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from hydranet.bounded_models import CLEAN, Name
from hydranet.budget import Budget
from hydranet.errors import UsageError
from hydranet.invalid_values import explain_value, name_field
from hydranet.notify_settings import NotifyTargets
from hydranet.policy.investigation import LIMIT
from hydranet.retention import RetentionSettings
from hydranet.run_settings import ConvergenceSettings, SandboxSpec
from hydranet.setting_values import (
    SERVER,
    ByServer,
    Host,
    ListenAddress,
    OwnPath,
    Port,
    ServerAddresses,
    Value,
    drop_repeated,
)
from hydranet.settings_file import read_settings_file
from hydranet.text.formatting import join_words

CONFIG_NAME = "hydra.config.json"

REPOSITORY_KEYS = frozenset(
    {"sandbox.setup", "sandbox.test_command"} | {f"convergence.{name}" for name in ("alpha", "beta", "gamma", "window")}
)
"""What a repository's own file may set freely: it is untrusted, and describes its tests."""

REPOSITORY_LIMITS = frozenset(
    {"convergence.threshold", "parallel_branches"}
    | {f"budget.{name}" for name in ("attempts", "attempts_per_branch", "branches", "tokens", "seconds")}
    | {
        f"sandbox.{name}"
        for name in (
            *("test_timeout", "setup_timeout", "memory_mb", "processes", "file_mb", "environment_mb", "output_kb"),
            *("cpus", "flaky_reruns"),
        )
    }
)
"""What a repository's own file may only lower. A setting that stands in neither list is the user's alone."""

_UNLIMITED_AT_ZERO = frozenset({"budget.attempts", "budget.tokens"})

ModelPurpose = Literal["repairs", "ranking", "embedding"]

EditFormat = Literal["function", "search_replace", "diff", "file", "hunk"]


class TemporalSettings(BaseModel):
    """Where Temporal is."""

    model_config = ConfigDict(extra="forbid")

    address: str = ""
    """The Temporal server as HOST:PORT or unix:PATH; by default TEMPORAL_ADDRESS, else HydraNet starts its own."""

    namespace: str = "default"
    """The namespace on the Temporal server; where it is not set, TEMPORAL_NAMESPACE counts first."""

    ui: str = ""
    """The address of the server's web page, such as http://HOST:8233."""

    ui_port: Port = 0
    """The port of this machine for the web page of HydraNet's own server; 0 takes 8233, or any free one."""

    ui_listen: ListenAddress = ""
    """An address of this machine, such as 192.168.1.10, at which other machines may open that page over TLS, with its
    token; by default none may."""


class ClusterSettings(BaseModel):
    """Where node A waits for other nodes, once `hydra cluster init` has made this machine one."""

    model_config = ConfigDict(extra="forbid")

    listen: Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]+$")] = "0.0.0.0"  # noqa: S104
    """The address of this machine on which nodes reach it; `::` takes IPv6 as well."""

    port: Annotated[int, Field(ge=1, le=65533)] = 7843
    """The port at which nodes join; Temporal is at the next one, and PostgreSQL at the one after."""


class ModelSettings(BaseModel):
    """Where models are and how they are asked."""

    model_config = ConfigDict(extra="forbid")

    ollama_host: str = ""
    """The address of Ollama; by default OLLAMA_HOST, or this machine."""

    endpoints: ServerAddresses = ()
    """Further servers that a run may name, as https://HOST:PORT; servers of configured models need no entry."""

    keys: ByServer = {}
    """The keys of servers that ask for one, by their address, such as https://HOST:PORT; each goes there alone."""

    logins: ByServer = {}
    """The logins of servers that ask for one, as USER:PASSWORD by their address, such as https://HOST:PORT."""

    keep: Annotated[str, CLEAN, StringConstraints(max_length=2000)] = ""
    """The command that serves the models on this machine, such as `ollama serve`, or `unit:NAME` of your systemd: an
    inference worker starts it, and again whenever it does not answer. By default you keep it running yourself."""

    purposes: Annotated[tuple[ModelPurpose, ...], Field(min_length=1), AfterValidator(drop_repeated)] = (
        "repairs",
        "ranking",
        "embedding",
    )
    """What this machine's inference worker does: repairs (with `model`), ranking (with `supervisor_model`), embedding
    (the code graph, with `embedding_model`). Some machine has to do each; by default one does all."""

    slots: Annotated[int, Field(ge=1)] = 1
    """The number of model calls that a worker makes at the same time for a purpose; further calls wait in the queue."""

    samples: Annotated[int, Field(ge=0, le=8)] = 0
    """The number of candidates per attempt, at most 8; 0 takes what suits the model."""

    deliberate: bool | None = None
    """Whether a model is asked for strategies, plans, reflections, votes and critiques; by default from 4B on."""

    investigations: Annotated[int, Field(ge=0, le=LIMIT)] = 2
    """The number of commands by which a model may look around before it writes a change, at most 4."""

    edit_formats: dict[str, EditFormat] = {}
    """The form of changes by model name: function, search_replace, diff, file or hunk."""

    thinking_tokens: Annotated[int, Field(ge=0, le=32_768)] = 0
    """The number of tokens that a model may think for before it answers; 0 asks it not to think."""

    token_gap: Annotated[float, Field(gt=0)] = 120.0
    """The longest wait for the next token of an answer, in seconds."""

    total: Annotated[float, Field(gt=0)] = 1200.0
    """The time limit of an answer, in seconds; its first token must come within half of it."""


class SandboxSettings(SandboxSpec):
    """What a run's sandbox is like, and how strong its walls are on this node."""

    env: Annotated[dict[Name, Value], Field(max_length=40, repr=False)] = {}
    """The environment variables of the setup and the tests. Values stay sealed in the database while the run is open,
    and those of 8 characters or more are masked in outputs."""

    backend: Literal["auto", "docker", "bubblewrap"] = "auto"
    """The sandbox: docker, bubblewrap, or auto, which takes Docker when its engine answers and has the image."""

    image: Annotated[str, CLEAN, Field(min_length=1, max_length=200)] = "hydranet-sandbox:1"
    """The image of Docker containers."""

    runtime: Name = ""
    """The runtime of Docker containers, such as runsc of gVisor; by default that of the engine."""

    warm: Annotated[int, Field(ge=0, le=16)] = 1
    """The number of containers kept ready for the next attempt."""

    slots: Annotated[int, Field(ge=0, le=1000)] = 0
    """The number of sandboxes in which a worker runs tests at the same time; a quarter as many, at least one, prepare
    environments beside them. 0 takes one per core, as far as their memory fits."""

    package_hosts: Annotated[tuple[Host, ...], Field(max_length=100)] = ()
    """Further hosts that a setup may reach, as HOST or HOST:PORT: those to which a package index links, or Git's."""

    def make_spec(self, references: Mapping[str, str]) -> SandboxSpec:
        """Return what travels with a run, with references instead of the values of `env`."""
        shared = self.model_dump(include=set(SandboxSpec.model_fields) - {"env"})
        return SandboxSpec.model_validate({**shared, "env": references})


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(env_prefix="HYDRA_", env_nested_delimiter="__", extra="forbid")

    model: str = "auto"
    """What fixes bugs: templates, ollama:NAME, openai:URL#NAME, scripted:FILE, or auto, which takes the best coder
    model that Ollama has, and the templates where it has none."""

    supervisor_model: str = ""
    """A larger model that ranks the strategies: ollama:NAME, openai:URL#NAME or scripted:FILE; by default none."""

    embedding_model: str = ""
    """The model that embeds code for retrieval: ollama:NAME or openai:URL#NAME; by default lexical vectors are used."""

    templates_first: bool = True
    """Whether repair templates are tried beside a model: with `allocation` order, three strategies before the model."""

    allocation: Literal["value", "order"] = "value"
    """Which strategy gets the next draw: the one whose draw is worth most, or the next in order until it has ended."""

    parallel_branches: Annotated[int, Field(ge=1, le=16)] = 1
    """The number of branches that are pursued at the same time."""

    require_approval: bool = False
    """Whether a fix waits for `hydra approve` before it is published, and a drafted test before it is the target."""

    repository_limit_mb: Annotated[int, Field(ge=1)] = 500
    """The largest snapshot of a repository that a run takes, in MB."""

    budget: Budget = Budget()
    convergence: ConvergenceSettings = ConvergenceSettings()
    sandbox: SandboxSettings = SandboxSettings()
    temporal: TemporalSettings = TemporalSettings()
    cluster: ClusterSettings = ClusterSettings()
    models: ModelSettings = ModelSettings()
    retention: RetentionSettings = RetentionSettings()

    notify: NotifyTargets = ()
    """Whom a supervisor tells of what happens: a list of targets of the kinds webhook, email, desktop and command, as
    docs/how-to/notices.md has them; by default nobody is told."""

    database: str = ""
    """The PostgreSQL database as a DSN, beside PostgreSQL's own variables; by default HydraNet starts its own."""

    metrics_address: str = ""
    """The HOST:PORT from which workers serve metrics on three ports in a row; by default they serve none."""

    data_dir: OwnPath = Field(default_factory=lambda: platformdirs.user_data_path("hydranet"))
    """The folder of the stack's data, keys, logs and caches."""

    seal_key_file: OwnPath | None = None
    """The file with the keys that seal what passes through Temporal; by default `keys/seal` in the data folder.
    Machines that work together need the same, or, for a worker, a file with the keys of its roles alone."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the files, which arrive as constructor arguments."""
        return env_settings, init_settings


def locate_user_file() -> Path:
    """Return the user's own settings file, which may not be there."""
    return platformdirs.user_config_path("hydranet") / CONFIG_NAME


def load_settings(
    repository: Path | None = None, flags: dict[str, Any] | None = None, note: Callable[[str], None] | None = None
) -> Settings:
    """Return the settings of the user's file, the repository's, the environment and `flags` (nested, None = unset).

    A repository's limit counts where it is lower than the user's. `note` gets one sentence about those that are not.
    Raises UsageError, naming file and key, for a wrong key or value.
    """
    user = locate_user_file()
    values = read_settings_file(user, follow=True)
    flags = _drop_unset(flags or {})
    try:
        if repository is not None and (declared := _read_declared(repository / CONFIG_NAME, user)):
            before, wanted = Settings(**values), Settings(**_merge(values, declared))
            raised = _list_raised(declared, before, wanted)
            if note is not None and (shown := [key for key in raised if _find(flags, key) is None]):
                changes = [f"{key} stays {_find_attribute(before, key)}" for key in shown]
                own = repository / CONFIG_NAME
                note(f"Note     {own} may only lower limits: {join_words(changes)}. To raise one, set it in {user}.")
            values = _merge(values, _leave_out(declared, raised))
        settings = _add_endpoints(Settings(**values))
        if flags:
            settings = Settings.model_validate(_merge(settings.model_dump(exclude_unset=True), flags))
    except ValidationError as error:
        raise UsageError(_explain(error)) from None
    except SettingsError as error:
        # Its cause repeats the value, which may be a secret.
        section = re.search(r'field "(\w+)"', str(error))
        name = f"HYDRA_{section[1].upper()}" if section else "HYDRA_"
        raise UsageError(f"A variable {name}* is not the JSON that its setting needs: correct it.") from None
    return settings


def _add_endpoints(settings: Settings) -> Settings:
    # Before the flags, which become part of a request: a request names a server, and vouches for none.
    models = (settings.model, settings.supervisor_model, settings.embedding_model)
    named = [match[1] for model in models if (match := re.fullmatch(rf"openai:({SERVER})(?:/[^?#@]*)?#.+", model))]
    endpoints = tuple(dict.fromkeys((*settings.models.endpoints, *named)))
    return settings.model_copy(update={"models": settings.models.model_copy(update={"endpoints": endpoints})})


def _read_declared(own: Path, user: Path) -> dict[str, Any]:
    declared = read_settings_file(own, follow=False)
    for key in _list_keys(declared):
        if key in REPOSITORY_KEYS | REPOSITORY_LIMITS:
            continue
        section, _, name = key.partition(".")
        model: Any = Settings.model_fields[section].annotation if section in Settings.model_fields else None
        fields = getattr(model, "model_fields", {})
        if section in _SECTIONS and name and name.partition(".")[0] not in fields:
            raise UsageError(f"There is no setting '{key}' ({own}): remove it or correct its spelling.")
        remedy = f"move it to {user}" if model is not None else "remove it or correct its spelling"
        raise UsageError(f"{own} may not set '{key}', which is not a repository's to decide: {remedy}.")
    return declared


def _list_keys(declared: dict[str, Any]) -> Iterator[str]:
    # A value below a section that is no section is refused by its type later.
    for section, value in declared.items():
        if section in _SECTIONS and isinstance(value, dict):
            yield from (f"{section}.{name}" for name in value)
        elif section not in _SECTIONS:
            yield section


_SECTIONS = frozenset(key.partition(".")[0] for key in REPOSITORY_KEYS | REPOSITORY_LIMITS if "." in key)


def _list_raised(declared: dict[str, Any], before: Settings, wanted: Settings) -> list[str]:
    """Return the limits of a repository's file that are above the user's."""

    def bound(settings: Settings, key: str) -> float:
        value = float(_find_attribute(settings, key))
        return math.inf if key in _UNLIMITED_AT_ZERO and not value else value

    keys = sorted(key for key in REPOSITORY_LIMITS if _find(declared, key) is not None)
    return [key for key in keys if bound(wanted, key) > bound(before, key)]


def _find(values: dict[str, Any], key: str) -> Any:
    section, _, name = key.partition(".")
    value = values.get(section)
    return value.get(name) if name and isinstance(value, dict) else value


def _find_attribute(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    value = getattr(settings, section)
    return getattr(value, name) if name else value


def _leave_out(declared: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    kept = {key: dict(value) if isinstance(value, dict) else value for key, value in declared.items()}
    for key in keys:
        section, _, name = key.partition(".")
        if name:
            del kept[section][name]
        else:
            del kept[section]
    return kept


def read_own_rules() -> str:
    """Return the text of the user's own constitution, empty when there is none; UsageError when it is unreadable."""
    from hydranet.policy import constitution  # with a parser of YAML, which few commands need

    file = platformdirs.user_config_path("hydranet") / constitution.FILE
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read ({error}): correct or remove it.") from None


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _drop_unset(flags: dict[str, Any]) -> dict[str, Any]:
    nested = {key: _drop_unset(value) if isinstance(value, dict) else value for key, value in flags.items()}
    return {key: value for key, value in nested.items() if value is not None and value != {}}


def _explain(error: ValidationError) -> str:
    key = name_field(error)
    if error.errors(include_url=False)[0]["type"] == "extra_forbidden":
        return f"There is no setting '{key}': remove it or correct its spelling ({CONFIG_NAME} or HYDRA_*)."
    return (
        f"The setting '{key}' is wrong (it {explain_value(error)}): correct it in {CONFIG_NAME}, HYDRA_* or the flag."
    )
