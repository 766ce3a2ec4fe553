"""Which hosts a setup may reach: what the settings of the installers name."""

import os
from pathlib import Path

import pytest

from activities.sandbox.package_index import find_index_access, parse_host

PUBLIC = {("pypi.org", 443), ("files.pythonhosted.org", 443)}
NPM = {("registry.npmjs.org", 443)}
TEST = {("test.pypi.org", 443), ("test-files.pythonhosted.org", 443)}
B_AND_C = {("b.example", 80), ("c.example", 443), *PUBLIC}
A = {("a.example", 443), *PUBLIC, *NPM}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without settings, but for those of the whole machine."""
    for name in os.environ:
        if name.lower().startswith(("pip_", "uv_", "npm_config_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    for name in ("pip", "uv"):
        (tmp_path / ".config" / name).mkdir(parents=True)
    return tmp_path


def test_without_settings_the_public_indexes_are_allowed() -> None:
    assert find_index_access().hosts == PUBLIC | NPM


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("[global]\nindex-url = https://a.example/simple\n", {("a.example", 443)}),
        ("[install]\nindex_url = http://u:p@A.example:8080/simple\n", {("a.example", 8080)}),
        ("[global]\nextra-index-url =\n  http://b.example/s\n  https://c.example\n", B_AND_C),
        ("[global]\nfind-links = https://d.example/x /srv/wheels\n", {("d.example", 443), *PUBLIC}),
        ("[global]\nindex-url = https://test.pypi.org/simple\n", TEST),
        ("[global]\nindex-url = http://localhost:3141/root\n", {("localhost", 3141)}),
        ("[global]\nproxy = http://proxy.example:3128\ntrusted-host = e.example\n", PUBLIC),
        ("[global]\nindex-url = http://[::1]:8080/simple\n", {("::1", 8080)}),
        ("no section", PUBLIC),
    ],
)  # fmt: skip
def test_settings_of_pip(home: Path, text: str, hosts: set[tuple[str, int]]) -> None:
    (home / ".config" / "pip" / "pip.conf").write_text(text)
    assert find_index_access().hosts == hosts | NPM


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ('index-url = "https://a.example/simple"\n', {("a.example", 443)}),
        ('[[index]]\nname = "b"\nurl = "https://b.example:8443/s"\n', {("b.example", 8443), *PUBLIC}),
        ('[[index]]\nurl = "https://b.example/s"\ndefault = true\n', {("b.example", 443)}),
        ('[pip]\nextra-index-url = ["https://c.example"]\n', {("c.example", 443), *PUBLIC}),
        ('find-links = ["https://d.example/x", "/srv"]\nhttp-proxy = "http://p"\n', {("d.example", 443), *PUBLIC}),
        ("not toml [", PUBLIC),
    ],
)  # fmt: skip
def test_settings_of_uv(home: Path, text: str, hosts: set[tuple[str, int]]) -> None:
    (home / ".config" / "uv" / "uv.toml").write_text(text)
    access = find_index_access()
    assert access.hosts == hosts | NPM
    assert "http-proxy" not in "".join(access.files.values())


@pytest.mark.parametrize(
    ("name", "value", "hosts"),
    [
        ("PIP_INDEX_URL", "https://a.example/simple", {("a.example", 443), *NPM}),
        ("PIP_EXTRA_INDEX_URL", "https://a.example https://b.example", A | {("b.example", 443)}),
        ("UV_DEFAULT_INDEX", "mine=https://a.example/simple", {("a.example", 443), *NPM}),
        ("UV_INDEX", "mine=https://a.example b=http://b.example:1", A | {("b.example", 1)}),
        ("npm_config_registry", "https://n.example/", {("n.example", 443), *PUBLIC}),
        ("NPM_CONFIG_REGISTRY", "http://127.0.0.1:4873", {("127.0.0.1", 4873), *PUBLIC}),
        ("PIP_NO_INDEX", "1", NPM),
    ],
)  # fmt: skip
def test_variables(monkeypatch: pytest.MonkeyPatch, name: str, value: str, hosts: set[tuple[str, int]]) -> None:
    monkeypatch.setenv(name, value)
    assert find_index_access().hosts == hosts


def test_settings_of_npm(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    (home / ".npmrc").write_text(
        "registry = https://n.example/npm/\n@mine:registry=http://m.example:4873\n; a comment\n"
        "//n.example/npm/:_authToken=${TOKEN}\n//registry.npmjs.org/:_authToken=public\nhttps-proxy=http://p.example:1\n"
    )
    access = find_index_access()
    assert access.hosts == {("n.example", 443), ("m.example", 4873), *PUBLIC}
    assert access.proxies == {"https": "http://p.example:1"}
    (written,) = [text for path, text in access.files.items() if path.endswith(".npmrc")]
    assert "//n.example/npm/:_authToken=secret\n" in written
    assert "public" not in written
    assert "p.example" not in written


def test_hosts_of_the_nodes_owner(home: Path) -> None:
    hosts = find_index_access(["files.example", "git.example:8443", "[fd00::1]:80"]).hosts
    assert hosts == {("files.example", 443), ("git.example", 8443), ("fd00::1", 80), *PUBLIC, *NPM}


@pytest.mark.parametrize("text", ["", "a.example/b", "u@a.example", "https://a.example", "a.example:x", "a.example?b"])
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)port"):
        parse_host(text)


def test_a_proxy_of_pip_is_used_unless_a_variable_names_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".config" / "pip" / "pip.conf").write_text("[global]\nproxy = http://p.example:1\n")
    assert find_index_access().proxies == {"http": "http://p.example:1", "https": "http://p.example:1"}
    monkeypatch.setenv("HTTPS_PROXY", "http://q.example:2")
    monkeypatch.setenv("NO_PROXY", "a.example")
    assert find_index_access().proxies == {
        "http": "http://p.example:1",
        "https": "http://q.example:2",
        "no": "a.example",
    }


def test_other_installers_trust_what_pip_is_told_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    (home / ".config" / "pip" / "pip.conf").write_text("[global]\ncert = /etc/authorities.pem\n")
    assert find_index_access().env["SSL_CERT_FILE"] == "/etc/authorities.pem"
    monkeypatch.setenv("PIP_CERT", "/etc/others.pem")
    assert find_index_access().env["SSL_CERT_FILE"] == "/etc/others.pem"
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/mine.pem")
    assert find_index_access().env["SSL_CERT_FILE"] == "/etc/mine.pem"
