"""Another user of the machine and a web page try to list, start, signal, end, query and read: they get nothing."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.conftest import Hydra, following, repository, stack
from workers.stack import Stack, StackFolder
from workers.temporal_server import find_temporal

NOBODY = 65534
OPEN = {"test_open.py": "import time\n\n\ndef test_it():\n    time.sleep(600)\n    assert False\n"}

# What a process outside of the owner's would try, with the interpreter that every user has.
TRIES = r"""
import glob, json, os, socket, subprocess, sys, urllib.error, urllib.request
data, pid, ui = sys.argv[1:]
got = []
def attempt(name, do):
    try:
        got.append([name, str(do())[:200]])
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
def connect(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"CONNECT x HTTP/1.1\r\n\r\n")
        return client.recv(100)
for name in ("temporal.sock", "web-ui.sock", ".s.PGSQL.5432"):
    attempt(name, lambda: connect(f"{data}/run/{name}"))
    attempt(name + " by a process", lambda: connect(f"/proc/{pid}/root{data}/run/{name}"))
for line in open("/proc/net/unix"):
    path = line.split()[-1]
    if path.startswith("@") and ("hydra" in path or "temporal" in path):
        attempt(path, lambda: connect("\0" + path[1:]))
def read(path):
    if os.path.islink(path):
        return os.readlink(path)
    return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(10)
for name in ("stack.json", "keys/seal", "keys/web-ui-token", "temporal.db", "postgres/PG_VERSION", "logs/stack.log"):
    attempt(name, lambda: read(f"{data}/{name}"))
for name in ("", "cache", "run", "keys", "logs"):
    attempt(f"list {name}", lambda: os.listdir(f"{data}/{name}"))
for name in ("environ", "mem", "fd", "ns/net", "root"):
    attempt(name, lambda: read(f"/proc/{pid}/{name}"))
attempt("nsenter", lambda: subprocess.run(
    ["nsenter", "--user", "--net", "--preserve-credentials", "--target", pid, "true"], check=True, capture_output=True))
api = f"{ui}/api/v1/namespaces/default/workflows"
for path in ("", "/x", "/x/signal/abort", "/x/terminate", "/x/query/genealogy"):
    body = b"{}" if path else None
    for host in (None, "localhost"):
        request = urllib.request.Request(api + path, data=body, headers={"Host": host} if host else {})
        attempt("web" + path, lambda: urllib.request.urlopen(request, timeout=5).read())
attempt("codec", lambda: urllib.request.urlopen(ui + "/codec/decode", data=b'{"payloads":[]}', timeout=5).read())
for port in range(7230, 7245):
    with socket.socket() as client:
        client.settimeout(1)
        if not client.connect_ex(("127.0.0.1", port)):
            got.append(["port", port])
print(json.dumps(got))
"""

PAGE = """
<html><body><iframe src="UI/"></iframe><img src="UI/api/v1/namespaces">
<form id="form" method="post" target="sink" enctype="text/plain"
 action="UI/api/v1/namespaces/default/workflows/RUN/terminate">
<input name='{"reason":"' value='page"}'></form><iframe name="sink"></iframe>
<script>
const run = "UI/api/v1/namespaces/default/workflows/RUN";
const got = [];
async function attempt(name, url, options) {
  try {
    const answer = await fetch(url, options);
    got.push(name + " " + answer.type + " " + answer.status + " " + (await answer.text()).slice(0, 80));
  } catch (error) { got.push(name + " failed"); }
}
(async () => {
  for (const credentials of ["include", "omit"]) for (const mode of ["cors", "no-cors"]) {
    await attempt("list", "UI/api/v1/namespaces/default/workflows", {credentials, mode});
    await attempt("read", run, {credentials, mode});
    await attempt("codec", "UI/codec/decode", {credentials, mode, method: "POST", body: '{"payloads":[]}'});
    for (const verb of ["signal/abort", "signal/pause", "terminate", "cancel", "query/genealogy"])
      await attempt(verb, run + "/" + verb, {credentials, mode, method: "POST", body: "{}"});
  }
  document.getElementById("form").submit();
  document.title = "done";
  document.body.append(Object.assign(document.createElement("pre"), {id: "got", textContent: JSON.stringify(got)}));
})();
</script></body></html>
"""


def stack_of(hydra: Hydra) -> Stack:
    running = StackFolder(hydra.data).find_stack()
    assert running is not None
    return running


@contextlib.contextmanager
def open_run(hydra: Hydra, folder: Path) -> Iterator[str]:
    """A run that stays open, since its owner has paused it."""
    root = repository(folder / "open", OPEN)
    command = hydra.start("fix", "--repo", root, "--issue", "open", "--model", "templates")
    run_id = following(command, "running the tests").split()[1]
    assert hydra("pause", run_id).returncode == 0
    yield run_id
    hydra("abort", run_id)
    command.communicate(timeout=60)


@pytest.fixture(scope="module")
def untouched(hydra: Hydra, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An open run which others try to reach."""
    with open_run(hydra, tmp_path_factory.mktemp("untouched")) as run_id:
        yield run_id


@pytest.fixture
def run_id(hydra: Hydra, tmp_path: Path) -> Iterator[str]:
    """An open run which its owner speaks to."""
    with open_run(hydra, tmp_path) as run_id:
        yield run_id


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hydra]:
    """A stack of this file's own, which is up: its tests end and kill what it consists of."""
    with stack(tmp_path_factory.mktemp("victim") / "data") as own:
        assert own("up").returncode == 0
        yield own


def check_untouched(hydra: Hydra, run_id: str) -> None:
    line = next(line for line in hydra("runs").stdout.splitlines() if run_id in line)
    assert "running" in line
    screen = hydra("show", run_id).stdout
    assert "paused" in screen
    assert screen.count("message:") == 1


@pytest.fixture
def browser(hydra: Hydra) -> Iterator[httpx.Client]:
    """The owner's browser, in which the address that `hydra up` prints was opened."""
    running = stack_of(hydra)
    with httpx.Client(base_url=running.temporal.ui, follow_redirects=True) as client:
        assert client.get(running.web_ui).status_code == 200
        yield client


def test_the_web_uis_proxy_is_the_only_port(hydra: Hydra) -> None:
    ports = []
    for process in hydra.processes():
        with contextlib.suppress(psutil.Error, OSError):
            # The server's own are in its namespace, whose process sees no others.
            if Path(f"/proc/{process.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
                ports += [each.laddr for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]
    assert [f"http://{address.ip}:{address.port}" for address in ports] == [stack_of(hydra).temporal.ui]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_gets_nothing(hydra: Hydra, untouched: str) -> None:
    running = stack_of(hydra)
    arguments = [str(hydra.data), str(running.server_pid), running.temporal.ui]
    # So that only the data folder's own permissions count.
    for parent in [path for path in hydra.data.parents if str(path).startswith("/tmp/")]:
        parent.chmod(0o755)
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", TRIES, *arguments],
        user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, cwd="/", timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    # The same program gets much where it is the owner's, so its tries are real.
    own = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", TRIES, *arguments], capture_output=True, text=True, cwd="/", timeout=120
    )
    names = [name for name, _ in json.loads(own.stdout)]
    assert {"temporal.sock", "keys/seal", "nsenter", "stack.json", "list "} <= set(names), own.stderr
    check_untouched(hydra, untouched)


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium")
def test_a_web_page_gets_nothing_even_in_the_owners_browser(hydra: Hydra, untouched: str, tmp_path: Path) -> None:
    running = stack_of(hydra)
    page = PAGE.replace("UI", running.temporal.ui).replace("RUN", untouched)

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    def visit(url: str) -> str:
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
        done = subprocess.run(
            [*command, "--virtual-time-budget=20000", "--dump-dom", url], capture_output=True, text=True, timeout=120
        )
        return done.stdout

    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            # The owner sees the runs, with the cookie, before and after. The UI's own page polls, and never ends.
            runs = f"{running.temporal.ui}/api/v1/namespaces/default/workflows"
            assert untouched in visit(f"{runs}?token={running.web_ui_token}")
            # The first is of the same site as the Web UI, whose cookies go along; the second is of another.
            for host in ("127.0.0.1", "localhost"):
                dom = visit(f"http://{host}:{server.server_port}/")
                assert 'id="got"' in dom, dom
                got = json.loads(dom.split('id="got">')[1].split("</pre>")[0])
                assert len(got) == 32
                assert [line for line in got if not (line.endswith(" failed") or line.endswith(" opaque 0 "))] == []
            assert untouched in visit(runs)
        finally:
            server.shutdown()
            thread.join()
    check_untouched(hydra, untouched)


def test_the_owner_signals_from_the_web_ui(hydra: Hydra, run_id: str, browser: httpx.Client) -> None:
    def signal(name: str, *arguments: str) -> None:
        payloads = {"payloads": [_payload(argument) for argument in arguments]}
        sealed = browser.post("/codec/encode", json=payloads).json() if arguments else {}
        path = f"/api/v1/namespaces/default/workflows/{run_id}/signal/{name}"
        # As the page does: the server gives it a cookie against forged requests, and wants it back in a header.
        browser.get("/api/v1/settings")
        answer = browser.post(path, json={"input": sealed}, headers={"X-CSRF-Token": browser.cookies["_csrf"]})
        assert answer.status_code == 200, answer.text

    signal("resume")
    assert "paused" not in hydra("show", run_id).stdout
    signal("pause")
    assert "paused" in hydra("show", run_id).stdout
    signal("override", "Look at the sum.")
    assert "Look at the sum." in hydra("show", run_id).stdout
    signal("abort", "Enough.")
    assert "Enough." in hydra("show", run_id).stdout


def _payload(text: str) -> dict[str, object]:
    def encode(value: str) -> str:
        return base64.b64encode(value.encode()).decode()

    return {"metadata": {"encoding": encode("json/plain")}, "data": encode(json.dumps(text))}


def test_the_temporal_command_reaches_the_server_for_its_owner(hydra: Hydra, run_id: str) -> None:
    assert run_id in hydra("temporal", "workflow", "list", "--limit", "50").stdout
    assert hydra("temporal", "workflow", "signal", "--workflow-id", run_id, "--name", "resume").returncode == 0
    assert "paused" not in hydra("show", run_id).stdout
    signal = ("temporal", "workflow", "signal", "--workflow-id", run_id)
    assert hydra(*signal, "--name", "override", "--input", '"Look at the sum."').returncode == 0
    assert "Look at the sum." in hydra("show", run_id).stdout
    history = hydra("temporal", "workflow", "show", "--workflow-id", run_id, "--output", "json").stdout
    assert base64.b64encode(b'"Look at the sum."').decode() in history
    update = hydra(
        "temporal", "workflow", "update", "execute", "--workflow-id", run_id, "--name", "reap", "--input", "7"
    )
    assert "There is no branch 7" in update.stderr
    assert hydra(*signal, "--name", "abort", "--input", '"Enough."', "--input", '"ann@laptop"').returncode == 0
    assert "Aborted by ann@laptop: Enough." in hydra("show", run_id).stdout


def test_an_open_run_whose_key_is_lost_is_told_and_goes_on_with_the_key(victim: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "open", OPEN)
    command = victim.start("fix", "--repo", root, "--issue", "open", "--model", "templates")
    run_id = following(command, "running the tests").split()[1]
    victim("down")
    command.communicate(timeout=60)
    key = victim.data / "keys" / "seal"
    key.rename(tmp_path / "copy")
    refused = victim("up")
    assert refused.returncode == 2
    [sentence] = refused.stderr.splitlines()
    assert run_id in sentence
    assert str(key) in sentence
    (tmp_path / "copy").replace(key)
    assert victim("up").returncode == 0
    assert "running" in victim("runs").stdout
    assert victim("abort", run_id).returncode == 0


@pytest.mark.parametrize("part", ["temporal", "python", "postgres"])
def test_a_server_that_is_killed_takes_its_relay_along_and_is_started_again(victim: Hydra, part: str) -> None:
    before = stack_of(victim)
    inside = [process for process in victim.processes() if "--die-with-parent" in process.info["cmdline"]]
    families = [process.children(recursive=True) for process in inside]
    family, server = next(
        (family, process) for family in families for process in family if process.name().startswith(part)
    )
    server.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    deadline = time.monotonic() + 60
    while victim("runs").returncode:
        assert time.monotonic() < deadline
    assert stack_of(victim).pid == before.pid


def test_an_open_run_of_before_the_seals_is_told_and_kept(victim: Hydra) -> None:
    """The last test here: after it the stack does not start."""
    # Past the codec, which `hydra temporal` has.
    address = stack_of(victim).temporal.address
    start = ["workflow", "start", "--type", "FixIssueWorkflow", "--task-queue", "earlier", "--input", "{}"]
    started = subprocess.run(
        [find_temporal(), *start, "--workflow-id", "fix-earlier", "--address", address], capture_output=True, text=True
    )
    assert started.returncode == 0, started.stderr
    victim("down")
    for _ in range(2):
        refused = victim("up")
        assert refused.returncode == 2
        [sentence] = refused.stderr.splitlines()
        assert "The run fix-earlier is open, and an earlier version of HydraNet began it" in sentence
    assert (victim.data / "temporal.db").exists()
