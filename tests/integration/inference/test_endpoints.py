"""Where a model's questions and keys go: two real servers, of which only one may hear anything."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.artifacts.store import FolderArtifacts
from activities.git.objects import GitObjects
from activities.inference.activities import InferenceActivities
from activities.inference.addresses import resolve_ollama
from activities.inference.backend import Backends, choose_default_model, connect, connect_embeddings, probe
from hydranet.contracts import WarmUpRequest
from hydranet.errors import FATAL, FatalError, TransientError, UsageError
from hydranet.settings import ModelSettings
from tests.integration.inference.test_clients import (
    NAME,
    SHOWN,
    Dialect,
    Reply,
    Server,
    ask,
    dialect,
    json_reply,
    server,
)

__all__ = ["dialect", "server"]


class Watcher:
    """A port that keeps whatever arrives; nothing may, not even a connection."""

    def __init__(self) -> None:
        self.port = 0
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(b"a connection")
        self.heard.append(await reader.read(100_000))
        writer.close()


@pytest.fixture
async def other() -> AsyncIterator[Watcher]:
    watcher = Watcher()
    listening = await asyncio.start_server(watcher.serve, "127.0.0.1", 0)
    watcher.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield watcher
        assert watcher.heard == []


ELSEWHERE = [
    "http://127.0.0.1:{other}{path}",
    "//127.0.0.1:{other}{path}",
    "http://me:s3cret@127.0.0.1:{other}{path}",
    "http://127.0.0.1:{own}@127.0.0.1:{other}{path}",
    "https://127.0.0.1:{own}{path}",
    "https:{path}",
    "http://localhost:{own}{path}",
    "http://[::ffff:127.0.0.1]:{own}{path}",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ELSEWHERE)
async def test_a_redirect_to_another_server_is_not_followed(
    server: Server, other: Watcher, dialect: Dialect, status: int, location: str
) -> None:
    target = location.format(other=other.port, own=server.port, path=dialect.path)
    server.replies[dialect.path] = [Reply(status=status, headers={"location": target})]
    with pytest.raises(FatalError, match=r"redirects to (https?|file)://.*correct the address") as refused:
        await ask(dialect.client(server, keys={server.url: SecretStr("k3y")}))
    assert "s3cret" not in str(refused.value)
    assert [path for path, _, _ in server.requests if path != "/api/show"] == [dialect.path]


@pytest.mark.parametrize("form", ["ollama", "openai"])
async def test_no_step_of_a_chain_leaves_the_server(server: Server, other: Watcher, form: str) -> None:
    away = Reply(status=307, headers={"location": f"http://127.0.0.1:{other.port}/"})
    for path in ("/api/embed", "/v1/embeddings", "/api/show", "/v1/models"):
        server.replies[path] = [Reply(status=307, headers={"location": "/second"})]
    server.replies["/second"] = [away]
    model = f"ollama:{NAME}" if form == "ollama" else f"openai:{server.url}/v1#{NAME}"
    settings = ModelSettings(ollama_host=server.url)
    with pytest.raises(FatalError, match="redirects to"):
        await connect_embeddings(model, settings).embed(["secret code"])
    with pytest.raises(UsageError, match="redirects to"):
        await probe(model, settings)
    assert [path for path, _, _ in server.requests].count("/second") == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("location", ["/moved{path}", "{url}/moved{path}", "http://me:pw@127.0.0.1:{port}/moved{path}"])
async def test_a_redirect_within_the_server_is_followed_with_the_question_and_the_key(
    server: Server, dialect: Dialect, status: int, location: str
) -> None:
    target = location.format(url=server.url, port=server.port, path=dialect.path)
    server.replies[dialect.path] = [Reply(status=status, headers={"location": target})]
    server.replies[f"/moved{dialect.path}"] = [Reply(dialect.pieces("a") + dialect.end())]
    client = dialect.client(server, keys={server.url: SecretStr("k3y")})
    assert (await ask(client)).text == "a"
    (first, second) = [request for request in server.requests if request[0] != "/api/show"]
    assert (second[2], second[1]["authorization"]) == (first[2], "Bearer k3y")


async def test_redirects_in_a_circle_end(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(status=308, headers={"location": dialect.path})]
    with pytest.raises(TransientError, match="redirects"):
        await ask(dialect.client(server))


# All of these reach 127.0.0.1 where nothing holds them back.
DISGUISES = ["http://0.0.0.0:{}", "http://[::ffff:127.0.0.1]:{}", "http://127.1:{}", "http://0:{}"]


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_a_worker_asks_no_server_that_a_request_alone_names(
    server: Server, disguise: str, tmp_path: Path
) -> None:
    artifacts = FolderArtifacts(tmp_path)
    objects = GitObjects(tmp_path, artifacts)
    server.replies["/v1/chat/completions"] = [Reply(Dialect("openai", "").pieces("a") + Dialect("openai", "").end())]
    address = disguise.format(server.port)
    model = f"openai:{address}/v1#{NAME}"
    elsewhere = [f"http://0.0.0.0:{server.port + 1}", f"https://0.0.0.0:{server.port}", "http://example.test"]
    for settings in (ModelSettings(), ModelSettings(endpoints=tuple(elsewhere), keys={server.url: SecretStr("k3y")})):
        activities = InferenceActivities(Backends(artifacts, objects, settings))
        with pytest.raises(
            ApplicationError, match=r"do not name the model server http://.*'models\.endpoints'"
        ) as error:
            await ActivityEnvironment().run(activities.warm_up, WarmUpRequest(model=model))
        assert (error.value.type, error.value.non_retryable) == (FATAL, True)
        with pytest.raises(UsageError, match=r"models\.endpoints"):
            connect_embeddings(model, settings)
    assert server.requests == []
    for settings in (
        ModelSettings(endpoints=(address,)),
        ModelSettings(keys={f"{address}/v1": SecretStr("k3y")}),
        ModelSettings(logins={address: SecretStr("me:pw")}),
        ModelSettings(ollama_host=address),
    ):
        assert (await ask(connect(model, settings))).text == "a"


@pytest.mark.parametrize(
    "host", ["localhost.example.test", "127.0.0.1.example.test", "example.test", "10.0.0.1", "[fe80::1]", "2130706433"]
)
def test_what_only_looks_like_this_machine_is_another(host: str) -> None:
    with pytest.raises(UsageError, match=r"models\.endpoints"):
        connect(f"openai:http://{host}/v1#m", ModelSettings())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "[::1]"])
def test_this_machine_needs_no_entry(host: str) -> None:
    connect(f"openai:http://{host}:8000/v1#m", ModelSettings())


async def test_a_key_goes_to_its_server_alone(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    await ask(dialect.client(server, keys={f"{server.url}/v1": SecretStr("k3y")}))
    assert server.requests[-1][1]["authorization"] == "Bearer k3y"
    for neighbour in (f"http://127.0.0.1:{server.port + 1}", f"https://127.0.0.1:{server.port}", "http://localhost"):
        await ask(dialect.client(server, keys={neighbour: SecretStr("k3y")}))
        assert "authorization" not in server.requests[-1][1]


async def test_a_key_with_a_line_end_is_sent_without_it(server: Server, dialect: Dialect) -> None:
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    await ask(dialect.client(server, keys={server.url: SecretStr("k3y\n")}))
    assert server.requests[-1][1]["authorization"] == "Bearer k3y"


@pytest.mark.parametrize("key", ["s3\r\nhost: cret", "s3\x00cret", "s3cr\u00e9t", " "])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(server: Server, dialect: Dialect, key: str) -> None:
    with pytest.raises(UsageError, match=r"correct it in 'models\.keys'") as refused:
        dialect.client(server, keys={server.url: SecretStr(key)})
    assert "s3" not in str(refused.value)


async def test_a_key_of_the_environment_goes_nowhere(
    server: Server, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "s3cret")
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    server.replies[dialect.path] = [Reply(dialect.pieces("a") + dialect.end())]
    await ask(dialect.client(server))
    assert "s3cret" not in str(server.requests)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:{}", "socks5://127.0.0.1:{}", "nonsense://127.0.0.1:{}"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "127.1"])
async def test_no_proxy_hears_what_stays_on_this_machine(
    server: Server,
    other: Watcher,
    dialect: Dialect,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    proxy: str,
    host: str,
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(variable, proxy.format(other.port))
    server.replies |= {dialect.path: [Reply(dialect.pieces("a") + dialect.end())], "/api/show": [json_reply(SHOWN)]}
    address = f"http://{host}:{server.port}"
    model = f"ollama:{NAME}" if dialect.form == "ollama" else f"openai:{address}/v1#{NAME}"
    assert (await ask(connect(model, ModelSettings(ollama_host=address)))).text == "a"


async def test_a_proxy_hears_what_is_for_other_machines(
    server: Server, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    elsewhere = "http://models.example.test:8000"
    model = f"ollama:{NAME}" if dialect.form == "ollama" else f"openai:{elsewhere}/v1#{NAME}"
    settings = ModelSettings(ollama_host=elsewhere)
    monkeypatch.setenv("http_proxy", server.url)
    asked = {"/api/show": [json_reply(SHOWN)], dialect.path: [Reply(dialect.pieces("a") + dialect.end())]}
    server.replies |= {f"{elsewhere}{path}": replies for path, replies in asked.items()}
    assert (await ask(connect(model, settings))).text == "a"
    monkeypatch.setenv("http_proxy", "nonsense://127.0.0.1:1")
    with pytest.raises(FatalError, match="The proxy of the environment cannot be used to reach http://models"):
        await ask(connect(model, settings))


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:80", "http://box:80"),
        ("box/", "http://box:11434"),
        (":8000", "http://127.0.0.1:8000"),
        ("http://:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://0.0.0.0:8000/", "http://127.0.0.1:8000"),
        ("[::]:8000", "http://[::1]:8000"),
        ("http://Box/ollama/", "http://box:80/ollama"),
        ("https://box", "https://box:443"),
        ("[::1]", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("fe80::1", "http://[fe80::1]:11434"),
        ("[::1]:8000/x", "http://[::1]:8000/x"),
        ("http://box:8000/v1", "http://box:8000"),
        ("box:8000/v1/", "http://box:8000"),
        ("box/proxy/api", "http://box:11434/proxy"),
        (' "box:8000" ', "http://box:8000"),
    ],
)
def test_the_address_of_ollama_is_read_as_ollama_does(
    written: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", written)
    assert resolve_ollama(ModelSettings()) == (address, None)
    monkeypatch.setenv("OLLAMA_HOST", "elsewhere")
    if (setting := written.strip(' "')) != "":
        assert resolve_ollama(ModelSettings(ollama_host=setting)) == (address, None)


@pytest.mark.parametrize("written", ["http://:port", "box:http", "[::1:80", "ftp://box", "box:99999", "a b"])
def test_an_address_of_ollama_that_is_none_is_one_sentence(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"write HOST, HOST:PORT or http://HOST:PORT in 'models\.ollama_host'"):
        connect("ollama:m", ModelSettings(ollama_host=written))
    monkeypatch.setenv("OLLAMA_HOST", written)
    with pytest.raises(UsageError, match=r"http://HOST:PORT in OLLAMA_HOST"):
        connect("ollama:m", ModelSettings())


async def test_an_ollama_that_listens_to_everybody_is_asked_on_this_machine(server: Server, other: Watcher) -> None:
    dialect = Dialect("ollama", "/api/chat")
    server.replies |= {dialect.path: [Reply(dialect.pieces("a") + dialect.end())], "/api/show": [json_reply(SHOWN)]}
    settings = ModelSettings(ollama_host=f"0.0.0.0:{server.port}/v1")
    assert (await ask(connect(f"ollama:{NAME}", settings))).text == "a"


async def test_a_server_without_tls_is_told_apart_from_one_that_is_away() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as plain:
        address = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
        for model in (f"ollama:{NAME}", f"openai:{address}/v1#{NAME}"):
            with pytest.raises(UsageError, match=r"does not speak TLS.*write http://"):
                await probe(model, ModelSettings(ollama_host=address))


async def test_a_server_that_was_named_is_not_replaced_by_templates(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = server.port + 1 if server.port < 65_535 else 1
    server.replies["/api/tags"] = [json_reply({"error": "not found"}, 404)]
    for written, reason in (
        (f"127.0.0.1:{free}", f"The connection to http://127.0.0.1:{free} failed"),
        (f"{server.url}/other/api", "not found|failed"),
        ("box:http", "The address of Ollama is none"),
    ):
        monkeypatch.setenv("OLLAMA_HOST", written)
        server.replies["/other/api/tags"] = [json_reply({"error": "not found"}, 404)]
        with pytest.raises(UsageError, match=reason) as refused:
            await choose_default_model(ModelSettings())
        assert "OLLAMA_HOST" in str(refused.value)
        with pytest.raises(UsageError, match=r"'models\.ollama_host'"):
            await choose_default_model(ModelSettings(ollama_host=written))
    server.replies["/api/tags"] = [json_reply({"models": [{"model": "my-coder", "size": 1}]})]
    for written in (f"{server.url}/v1", f"{server.url}/v1/", f"{server.url}/", f"127.0.0.1:{server.port}"):
        monkeypatch.setenv("OLLAMA_HOST", written)
        assert await choose_default_model(ModelSettings()) == "ollama:my-coder"
