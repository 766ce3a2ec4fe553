"""Settings: `hydra.config.json`, then HYDRA_* environment variables, then command-line flags."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hydranet.bounded_models import Name
from hydranet.budget import Budget
from hydranet.contracts import SandboxSpec
from hydranet.convergence.score import ConvergenceSettings
from hydranet.errors import UsageError
from hydranet.policy import constitution
from hydranet.policy.investigation import LIMIT

CONFIG_NAME = "hydra.config.json"

# A repository is untrusted: its own file may describe its tests, never where code or data go.
REPOSITORY_KEYS = frozenset({"sandbox", "budget", "convergence", "parallel_branches"})


class TemporalSettings(BaseModel):
    """Where Temporal is. Without an `address` HydraNet starts its own; port 0 means any free one."""

    model_config = ConfigDict(extra="forbid")

    address: str = ""
    namespace: str = "default"
    ui: str = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    ui_port: Annotated[int, Field(ge=0, le=65535)] = 0


EditFormat = Literal["function", "search_replace", "diff", "file"]


class ModelSettings(BaseModel):
    """Where models are and how they are asked; `slots` calls run at the same time, times are in seconds.

    `samples` are the candidates per attempt, 0 for what suits the model; `deliberate` says whether it is asked for
    strategies, plans and reflections, or for changes only, as suits small ones; `investigations` are the commands that
    a model that plans may have run before it writes a change (read a file, search, try something). `edit_formats`
    names, by model, the form its changes come in where that is not to be the default of its kind. Models that can
    think before they answer are asked not to, unless `thinking_tokens` allows them so many.
    """

    model_config = ConfigDict(extra="forbid")

    ollama_host: str = ""
    openai_api_key: SecretStr = SecretStr("")
    slots: Annotated[int, Field(ge=1)] = 1
    samples: Annotated[int, Field(ge=0, le=8)] = 0
    deliberate: bool | None = None
    investigations: Annotated[int, Field(ge=0, le=LIMIT)] = 2
    edit_formats: dict[str, EditFormat] = {}
    thinking_tokens: Annotated[int, Field(ge=0, le=32_768)] = 0
    token_gap: Annotated[float, Field(gt=0)] = 120.0
    total: Annotated[float, Field(gt=0)] = 1200.0


class SandboxSettings(SandboxSpec):
    """What a run's sandbox is like, and what only the user of a node may say of it.

    `backend` is auto (Docker when its engine answers and has the image, else bubblewrap), docker or
    bubblewrap; `image` and `runtime` (such as gVisor's runsc) are Docker's, `warm` the containers that wait
    for the next attempt on a tree.
    """

    backend: Literal["auto", "docker", "bubblewrap"] = "auto"
    image: Annotated[str, Field(min_length=1, max_length=200)] = "hydranet-sandbox:1"
    runtime: Name = ""
    warm: Annotated[int, Field(ge=0, le=16)] = 1


class Settings(BaseSettings):
    """Everything that can be set.

    `model` is `auto` (Ollama when one answers, else templates), `templates`, `ollama:NAME`,
    `openai:URL#NAME` or `scripted:FILE`; `supervisor_model` is one of the last three, a larger one, which ranks
    strategies, empty for none. `embedding_model` is one of `ollama:NAME` and `openai:URL#NAME`; without it, code is
    compared by lexical vectors. `database` is a PostgreSQL DSN, empty for the embedded one. At `metrics_address`
    (HOST:PORT; the roles take three ports in a row from there) workers serve metrics, nowhere when it is empty.
    """

    model_config = SettingsConfigDict(env_prefix="HYDRA_", env_nested_delimiter="__", extra="forbid")

    model: str = "auto"
    supervisor_model: str = ""
    embedding_model: str = ""
    templates_first: bool = True
    parallel_branches: Annotated[int, Field(ge=1, le=16)] = 1
    require_approval: bool = False
    repository_limit_mb: Annotated[int, Field(ge=1)] = 500
    budget: Budget = Budget()
    convergence: ConvergenceSettings = ConvergenceSettings()
    sandbox: SandboxSettings = SandboxSettings()
    temporal: TemporalSettings = TemporalSettings()
    models: ModelSettings = ModelSettings()
    database: str = ""
    metrics_address: str = ""
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path("hydranet"))

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


# How strong the walls are is not for the one to say who is behind them.
_NODE_KEYS = set(SandboxSettings.model_fields) - set(SandboxSpec.model_fields)


def load_settings(repository: Path | None = None, flags: dict[str, Any] | None = None) -> Settings:
    """Read the user's settings file, then the repository's, the environment and `flags` (nested, None = unset).

    Raises UsageError, naming file and key, for a wrong key or value.
    """
    user = platformdirs.user_config_path("hydranet") / CONFIG_NAME
    values = _read(user)
    if repository is not None:
        own = repository / CONFIG_NAME
        declared = _read(own)
        if foreign := sorted(set(declared) - REPOSITORY_KEYS):
            known = set(Settings.model_fields)
            where = f"move it to {user}" if foreign[0] in known else "remove it or correct its spelling"
            raise UsageError(
                f"{own}: the key '{foreign[0]}' is not one a repository may set "
                f"({', '.join(sorted(REPOSITORY_KEYS))}); {where}."
            )
        own_sandbox = declared.get("sandbox")
        if isinstance(own_sandbox, dict) and (foreign := sorted(_NODE_KEYS & set(own_sandbox))):
            raise UsageError(
                f"{own}: the key 'sandbox.{foreign[0]}' is not one a repository may set; move it to {user}."
            )
        values = _merge(values, declared)
    try:
        settings = Settings(**values)
        if flags := _given(flags or {}):
            settings = Settings.model_validate(_merge(settings.model_dump(), flags))
    except ValidationError as error:
        raise UsageError(_sentence(error)) from None
    return settings


def read_own_rules() -> str:
    """The text of the user's own constitution, empty when there is none; UsageError when it cannot be read."""
    file = platformdirs.user_config_path("hydranet") / constitution.FILE
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read ({error}); correct or remove it.") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); correct its permissions.") from None
    try:
        values = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is not valid JSON ({error}); correct it.") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} must hold a JSON object, such as {{}}.")
    return values


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _given(flags: dict[str, Any]) -> dict[str, Any]:
    """`flags` without what was not set on the command line."""
    nested = {key: _given(value) if isinstance(value, dict) else value for key, value in flags.items()}
    return {key: value for key, value in nested.items() if value is not None and value != {}}


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"The settings have no key '{key}'; remove it or correct its spelling ({CONFIG_NAME} or HYDRA_*)."
    return f"The setting '{key}' is wrong: {first['msg']}; correct it in {CONFIG_NAME}, HYDRA_* or the flag."
