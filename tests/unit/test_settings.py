import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from hydranet import settings
from hydranet.contracts import SandboxSpec
from hydranet.errors import UsageError
from tests import settings_reference


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write(folder: Path, **values: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / settings.CONFIG_NAME).write_text(json.dumps(values))
    return folder


def test_flags_win_over_the_environment_and_that_over_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "config" / "hydranet", budget={"tokens": 1, "branches": 3, "seconds": 5})
    repository = write(tmp_path / "repo", budget={"branches": 2, "seconds": 2})
    monkeypatch.setenv("HYDRA_BUDGET__SECONDS", "3")
    chosen = settings.load_settings(repository, {"budget": {"seconds": None, "attempts_per_branch": 4}})
    assert (chosen.budget.tokens, chosen.budget.branches) == (1, 2)
    assert (chosen.budget.seconds, chosen.budget.attempts_per_branch) == (3, 4)


def test_a_repository_may_not_say_where_code_goes(tmp_path: Path) -> None:
    repository = write(tmp_path / "repo", model="openai:http://elsewhere/v1#m")
    with pytest.raises(UsageError, match=r"may not set 'model', .*: move it to"):
        settings.load_settings(repository)


def test_settings_name_the_servers_of_models_and_flags_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"model": "openai:http://a:1/v1#m", "embedding_model": "openai:https://b/v1#e"}
    write(tmp_path / "config" / "hydranet", **own, models={"endpoints": ["https://c:3/v1"]})
    assert set(settings.load_settings().models.endpoints) == {"http://a:1", "https://b", "https://c:3/v1"}
    monkeypatch.setenv("HYDRA_SUPERVISOR_MODEL", "openai:http://[::2]:4/x#m")
    monkeypatch.setenv("HYDRA_EMBEDDING_MODEL", "openai:https://f/v1#e")
    flags = {"model": "openai:http://d/v1#m", "embedding_model": "openai:http://e/v1#m"}
    chosen = settings.load_settings(flags=flags)
    assert chosen.model == flags["model"]
    assert set(chosen.models.endpoints) == {"http://a:1", "http://[::2]:4", "https://f", "https://c:3/v1"}


@pytest.mark.parametrize("model", ["openai:http://me:pw@h/v1#m", "openai:http://h/v1?k#m", "ollama:m", "openai:h#m"])
def test_what_is_no_server_of_a_model_is_no_endpoint(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("HYDRA_MODEL", model)
    assert settings.load_settings(flags={"model": "templates"}).models.endpoints == ()


@pytest.mark.parametrize("name", ["endpoints", "keys", "logins"])
@pytest.mark.parametrize("server", ["http://me:s3cret@h:1", "h:1", "ftp://h", "s3cret", "http://h:port", "http://h/?a"])
def test_a_server_that_is_none_is_one_sentence(tmp_path: Path, name: str, server: str) -> None:
    value: object = [server] if name == "endpoints" else {server: "s3cret"}
    write(tmp_path / "config" / "hydranet", models={name: value})
    with pytest.raises(UsageError, match=rf"'models\.{name}' is wrong .*http://HOST:PORT") as refused:
        settings.load_settings()
    assert "s3cret" not in str(refused.value)


def list_settings(model: type[BaseModel] = settings.Settings, parent: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from list_settings(field.annotation, f"{parent}{name}.")
        else:
            yield parent + name


def nest(key: str, value: object) -> dict[str, object]:
    section, _, name = key.partition(".")
    return {section: {name: value}} if name else {section: value}


ALL = sorted(list_settings())


def test_the_lists_of_a_repository_name_settings_and_no_wall_or_address() -> None:
    assert set(ALL) >= settings.REPOSITORY_KEYS | settings.REPOSITORY_LIMITS
    assert {key for key in settings.REPOSITORY_KEYS if key.startswith("sandbox")} == {
        "sandbox.setup",
        "sandbox.test_command",
    }


@pytest.mark.parametrize("key", sorted(set(ALL) - settings.REPOSITORY_KEYS - settings.REPOSITORY_LIMITS))
def test_every_other_setting_is_the_users_alone(tmp_path: Path, key: str) -> None:
    # The whole list, walls, servers, keys, folders and variables: a new setting is in it by itself.
    repository = write(tmp_path / "repo", **nest(key, "x"))
    shown = key if key.startswith(("sandbox", "budget", "convergence")) else key.partition(".")[0]
    with pytest.raises(UsageError, match=rf"may not set '{re.escape(shown)}', .*: move it to"):
        settings.load_settings(repository)


def read(chosen: settings.Settings, key: str) -> float:
    section, _, name = key.partition(".")
    value: float = getattr(getattr(chosen, section), name) if name else getattr(chosen, section)
    return value


USERS = {"parallel_branches": 4, "sandbox.flaky_reruns": 2, "budget.attempts": 20, "convergence.threshold": 0.5}


@pytest.mark.parametrize("key", sorted(settings.REPOSITORY_LIMITS))
def test_a_repository_lowers_a_limit_and_never_raises_it(tmp_path: Path, key: str) -> None:
    own = USERS.get(key, read(settings.load_settings(), key) // 1)
    write(tmp_path / "config" / "hydranet", **nest(key, own))
    notes: list[str] = []
    lower = own * 0.5 if key == "convergence.threshold" else int(own) // 2
    repository = write(tmp_path / "repo", **nest(key, lower))
    assert read(settings.load_settings(repository, note=notes.append), key) == lower
    assert notes == []
    higher = own * 1.2 if key == "convergence.threshold" else int(own) + 1
    write(tmp_path / "repo", **nest(key, higher))
    assert read(settings.load_settings(repository, note=notes.append), key) == own
    assert len(notes) == 1
    assert f"may only lower limits: {key} stays {own:g}" in notes[0].replace(f"{own}", f"{own:g}")


@pytest.mark.parametrize("key", ["budget.tokens", "budget.attempts"])
def test_no_limit_is_above_every_limit(tmp_path: Path, key: str) -> None:
    write(tmp_path / "config" / "hydranet", **nest(key, 100))
    repository = write(tmp_path / "repo", **nest(key, 0))
    assert read(settings.load_settings(repository), key) == 100
    write(tmp_path / "config" / "hydranet", **nest(key, 0))
    write(tmp_path / "repo", **nest(key, 7))
    assert read(settings.load_settings(repository), key) == 7


def test_what_is_ignored_is_told_once_in_one_sentence_and_not_of_what_a_flag_decides(tmp_path: Path) -> None:
    repository = write(tmp_path / "repo", sandbox={"memory_mb": 9000, "cpus": 64}, budget={"tokens": 900_000})
    notes: list[str] = []
    chosen = settings.load_settings(repository, {"budget": {"tokens": 500_000}}, note=notes.append)
    assert (chosen.budget.tokens, chosen.sandbox.memory_mb, chosen.sandbox.cpus) == (500_000, 2048, 2.0)
    assert len(notes) == 1
    assert "sandbox.cpus stays 2.0 and sandbox.memory_mb stays 2048" in notes[0]
    assert "tokens" not in notes[0]


def test_a_limit_that_the_environment_sets_is_neither_raised_nor_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_SANDBOX__PROCESSES", "64")
    repository = write(tmp_path / "repo", sandbox={"processes": 4000})
    notes: list[str] = []
    assert settings.load_settings(repository, note=notes.append).sandbox.processes == 64
    assert notes == []


HOSTILE_FILES = {
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"sandbox":' * 5000 + b"1" + b"}" * 5000,
    "deep enough to parse": b'{"budget":' * 400 + b"1" + b"}" * 400,
    "binary": bytes(range(256)),
    "UTF-16": '{"budget": {}}'.encode("utf-16"),
    "65 KB": b'{"budget": {}}' + b" " * 65_536,
    "a NUL in a command": b'{"sandbox": {"test_command": "pytest\\u0000x"}}',
    "a lone surrogate in a command": b'{"sandbox": {"setup": ["\\ud800"]}}',
    "a NUL in a key": b'{"sand\\u0000box": {}}',
    "no number": b'{"budget": {"seconds": NaN}}',
    "a number of 5,000 digits": b'{"budget": {"tokens": ' + b"9" * 5000 + b"}}",
    "a list": b"[]",
    "nothing": b"",
}


@pytest.mark.parametrize("content", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_a_hostile_file_of_a_repository_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / settings.CONFIG_NAME).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        settings.load_settings(tmp_path)
    assert settings.CONFIG_NAME in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("kind", ["fifo", "link", "dangling", "folder", "device", "socket"])
@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_refused_and_does_not_hold_up(tmp_path: Path, kind: str) -> None:
    file = tmp_path / settings.CONFIG_NAME
    other = tmp_path / "other.json"
    other.write_text('{"sandbox": {"test_command": "true"}}')
    server = socket.socket(socket.AF_UNIX)
    match kind:
        case "fifo":
            os.mkfifo(file)
        case "link":
            file.symlink_to(other)
        case "dangling":
            file.symlink_to("/nowhere")
        case "device":
            file.symlink_to("/dev/zero")
        case "socket":
            server.bind(str(file))
        case _:
            file.mkdir()
    with server, pytest.raises(UsageError, match=r"is a link|not a regular file|cannot be read"):
        settings.load_settings(tmp_path)


def test_the_users_own_file_may_be_a_link_and_may_not_be_a_pipe(tmp_path: Path) -> None:
    folder = write(tmp_path / "config" / "hydranet", budget={"tokens": 7})
    file = folder / settings.CONFIG_NAME
    file.rename(tmp_path / "dotfile.json")
    file.symlink_to(tmp_path / "dotfile.json")
    assert settings.load_settings().budget.tokens == 7
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(UsageError, match="not a regular file"):
        settings.load_settings()


def test_what_only_the_user_says_of_the_sandbox_stays_on_the_node() -> None:
    class Request(BaseModel):
        sandbox: SandboxSpec

    own = settings.SandboxSettings(backend="docker", env={"TOKEN": "a word of the user's"})
    sent = Request(sandbox=own.make_spec({"TOKEN": "0" * 32})).model_dump_json()
    assert "docker" not in sent
    assert Request.model_validate_json(sent).sandbox == SandboxSpec(env={"TOKEN": "0" * 32})
    # Whoever forgets to leave them out sends nothing.
    for mistake in (lambda: Request(sandbox=own), lambda: own.make_spec(own.env), lambda: SandboxSpec(env=own.env)):
        with pytest.raises(ValidationError):
            mistake()


@pytest.mark.parametrize("text", ['{"TOKEN": "hush-hush-4711"', '{"TOKEN": ["hush-hush-4711"]}', '"hush-hush-4711"'])
def test_a_wrong_variable_is_not_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HYDRA_SANDBOX__ENV", text)
    with pytest.raises(UsageError) as raised:
        settings.load_settings()
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"colour": 1}, "no setting 'colour'"),
        ({"budget": {"tokns": 1}}, "no setting 'budget.tokns'"),
        ({"budget": {"branches": 0}}, "'budget.branches' is wrong"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, values: dict[str, object], sentence: str) -> None:
    write(tmp_path / "config" / "hydranet", **values)
    with pytest.raises(UsageError, match=sentence):
        settings.load_settings()


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "repo") / settings.CONFIG_NAME
    file.write_text("{")
    with pytest.raises(UsageError, match="not valid JSON"):
        settings.load_settings(tmp_path / "repo")


def test_the_reference_and_the_example_are_those_of_the_definitions() -> None:
    hint = "run `make settings`"
    assert settings_reference.REFERENCE.read_text() == settings_reference.render_reference(), hint
    assert settings_reference.EXAMPLE.read_text() == settings_reference.render_example(), hint


def test_the_example_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    defaults = settings.load_settings()
    write(tmp_path / "config" / "hydranet", **json.loads(settings_reference.EXAMPLE.read_text()))
    assert settings.load_settings() == defaults
    assert defaults.data_dir == tmp_path / ".local" / "share" / "hydranet"


@pytest.mark.parametrize("name", ["data_dir", "seal_key_file"])
@pytest.mark.parametrize("path", ["", ".", "data/here"])
def test_a_path_that_depends_on_the_working_directory_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, path: str
) -> None:
    monkeypatch.setenv(f"HYDRA_{name.upper()}", path)
    with pytest.raises(UsageError, match=f"'{name}' is wrong .*give an absolute path"):
        settings.load_settings()
    monkeypatch.setenv(f"HYDRA_{name.upper()}", "~/data")
    assert getattr(settings.load_settings(), name) == Path.home() / "data"


def test_a_purpose_is_served_once() -> None:
    assert settings.ModelSettings(purposes=("ranking", "repairs", "ranking")).purposes == ("ranking", "repairs")
