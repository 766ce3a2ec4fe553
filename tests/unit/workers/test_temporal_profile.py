"""What wins: HydraNet's settings, Temporal's variables, Temporal's file; and what goes to no other server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from temporalio.service import TLSConfig

from hydranet.errors import UsageError
from hydranet.settings import Settings, TemporalSettings, load_settings
from workers.temporal_profile import build_config, build_variables, choose_server

FILE = """
[profile.default]
address = "file:7233"
namespace = "of-file"
api_key = "key-of-file"

[profile.lab]
address = "lab:7233"
[profile.lab.grpc_meta]
team = "lab"

[profile.open]
namespace = "open"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose usual configuration file of Temporal is somebody's other work."""
    for name in [name for name in os.environ if name.startswith(("TEMPORAL_", "HYDRA_TEMPORAL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "temporalio").mkdir()
    (tmp_path / "temporalio" / "temporal.toml").write_text(FILE)
    return tmp_path


def _set(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"TEMPORAL_{name}", value)


@pytest.mark.parametrize(
    ("settings", "variables", "server"),
    [
        ({}, {}, ("", "default")),
        ({}, {"API_KEY": "k", "TLS": "true", "NAMESPACE": "n"}, ("", "default")),
        ({}, {"ADDRESS": "a:1"}, ("a:1", "default")),
        ({}, {"ADDRESS": "a:1", "NAMESPACE": "n"}, ("a:1", "n")),
        ({"address": "h:1"}, {"NAMESPACE": "n"}, ("h:1", "n")),
        ({"address": "h:1"}, {"ADDRESS": "a:1", "NAMESPACE": "n"}, ("h:1", "default")),
        ({"address": "h:1", "namespace": "default"}, {"NAMESPACE": "n"}, ("h:1", "default")),
        ({"namespace": "mine"}, {"ADDRESS": "a:1", "NAMESPACE": "n"}, ("a:1", "mine")),
        ({}, {"PROFILE": "default"}, ("file:7233", "of-file")),
        ({}, {"PROFILE": "lab"}, ("lab:7233", "default")),
        ({}, {"PROFILE": "lab", "ADDRESS": "a:1"}, ("a:1", "default")),
        ({"address": "h:1"}, {"PROFILE": "default"}, ("h:1", "default")),
        ({"address": "h:1"}, {"PROFILE": "open"}, ("h:1", "open")),
        ({"address": "unix:/s"}, {"ADDRESS": "a:1", "NAMESPACE": "n"}, ("unix:/s", "default")),
    ],
)
def test_the_settings_win_over_the_variables_and_these_over_the_file(
    settings: dict[str, str], variables: dict[str, str], server: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, **variables)
    chosen = choose_server(TemporalSettings(**settings))
    assert (chosen.address, chosen.namespace) == server
    assert choose_server(chosen) == chosen


def test_a_namespace_that_is_set_wins_beside_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, ADDRESS="a:1", NAMESPACE="n")
    assert choose_server(load_settings(flags={"model": "templates"}).temporal).namespace == "n"
    monkeypatch.setenv("HYDRA_TEMPORAL__NAMESPACE", "default")
    assert choose_server(load_settings(flags={"model": "templates"}).temporal).namespace == "default"


def test_a_key_goes_to_its_own_server_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, CONFIG_FILE=str(home / "temporalio" / "temporal.toml"), GRPC_META_TEAM="t")
    own = build_config(TemporalSettings(address="file:7233"))
    assert own.api_key == "key-of-file"
    assert own.rpc_metadata == {"team": "t"}
    assert own.tls
    for other in ("other:7233", "file:7234", "unix:/run/temporal.sock"):
        config = build_config(TemporalSettings(address=other))
        assert (config.api_key, config.rpc_metadata, bool(config.tls)) == (None, {}, False)


def test_a_file_in_the_usual_place_counts_only_when_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_config(TemporalSettings(address="file:7233")).api_key is None
    _set(monkeypatch, PROFILE="default")
    assert build_config(TemporalSettings(address="file:7233")).api_key == "key-of-file"


def test_the_embedded_server_sees_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, API_KEY="secret", TLS="true", GRPC_META_TEAM="t", PROFILE="missing")
    for address in ("127.0.0.1:7233", "unix:/run/temporal.sock"):
        config = build_config(TemporalSettings(address=address), embedded=True)
        assert (config.api_key, config.rpc_metadata, bool(config.tls)) == (None, {}, False)
        variables = build_variables(TemporalSettings(address=address), embedded=True)
        assert {name for name in variables if name.startswith("TEMPORAL_")} == {"TEMPORAL_CONFIG_FILE"}
        assert variables["TEMPORAL_CONFIG_FILE"] == os.devnull


@pytest.mark.parametrize(("address", "kept"), [("a:1", True), ("b:1", False)])
def test_the_temporal_command_gets_what_opens_its_server(
    address: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, ADDRESS="a:1", API_KEY="secret")
    variables = build_variables(TemporalSettings(address=address), embedded=False)
    assert ("TEMPORAL_API_KEY" in variables) is kept
    assert variables["TEMPORAL_CONFIG_FILE"] == os.devnull


@pytest.mark.parametrize("variables", [{"API_KEY": "secret"}, {"GRPC_META_AUTHORIZATION": "Bearer secret"}])
def test_a_key_is_not_sent_in_clear_but_on_this_machine(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, TLS="false", **variables)
    for address in ("node-a:7233", "10.0.0.7:7233", "127.0.0.1.example:7233", "[fd00::1]:7233"):
        with pytest.raises(UsageError, match="in clear") as refused:
            build_config(TemporalSettings(address=address))
        assert "secret" not in str(refused.value)
    for address in ("127.0.0.1:7233", "localhost:7233", "[::1]:7233"):
        config = build_config(TemporalSettings(address=address))
        assert not config.tls
    _set(monkeypatch, TLS="true")
    assert isinstance(build_config(TemporalSettings(address="node-a:7233")).tls, TLSConfig)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"CONFIG_FILE": "/missing.toml"}, "There is no /missing.toml"),
        ({"PROFILE": "missing"}, "Profile 'missing' not found"),
        ({"PROFILE": "open"}, "names no address"),
        ({"ADDRESS": "a:1", "TLS_CLIENT_CERT_PATH": "/a", "TLS_CLIENT_CERT_DATA": "secret"}, "Cannot specify both"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, **variables)
    with pytest.raises(UsageError) as refused:
        choose_server(TemporalSettings())
    assert sentence in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("line", ["api_key = secret", "[profile.default\n", "api_key = 5"])
def test_a_file_that_is_no_configuration_is_not_repeated(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(f"[profile.default]\n{line}\n")
    _set(monkeypatch, CONFIG_FILE=str(file))
    with pytest.raises(UsageError, match="configuration file are wrong") as refused:
        choose_server(TemporalSettings())
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("missing", ["CLIENT_CERT", "CLIENT_KEY", "SERVER_CA_CERT"])
def test_a_certificate_file_that_is_not_there_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **{f"TLS_{missing}_PATH": "/missing.pem"})
    with pytest.raises(UsageError, match=r"/missing\.pem.* cannot be read"):
        build_config(TemporalSettings(address="node-a:7233"))


@pytest.mark.parametrize("name", ["TLS_CLIENT_CERT_PATH", "API_KEY", "PROFILE", "CONFIG_FILE", "ADDRESS", "TLS"])
def test_an_empty_variable_is_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **{name: ""})
    config = build_config(choose_server(TemporalSettings(address="node-a:7233")))
    assert (config.target_host, config.api_key, bool(config.tls)) == ("node-a:7233", None, False)
    assert choose_server(TemporalSettings()).address == ""


@pytest.mark.parametrize("key", ["address", "namespace", "api_key"])
def test_a_repository_sets_none_of_it(key: str, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "hydra.config.json").write_text(f'{{"temporal": {{"{key}": "evil:7233"}}}}')
    with pytest.raises(UsageError, match="may not set"):
        load_settings(repository)
    assert Settings().temporal.address == ""
