"""What a sandboxed command can see, use and leave behind, the same in every sandbox."""

import asyncio
import os
import re
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from activities.sandbox.protocol import Execution, Job, Limits, Sandbox
from hydranet.errors import TransientError, UsageError
from tests.sandboxes import BACKENDS, sandbox_of

LIMITS = Limits(seconds=30, memory_mb=512, processes=64, file_mb=16, disk_mb=32, output_kb=64)

Run = Callable[..., Awaitable[Execution]]


@pytest.fixture(params=BACKENDS)
async def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    async with sandbox_of(request.param, folder) as opened:
        yield opened
        await until(lambda: not any(folder.glob("*/*/results")))
    assert list(folder.iterdir()) == []


async def until(condition: Callable[[], object]) -> None:
    """Wait for what other processes do."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def run(sandbox: Sandbox, tree: Path) -> Run:
    """Runs a shell line, or Python code, in the sandbox."""

    async def run(line: str = "", *, code: str = "", **changes: Any) -> Execution:
        command = ("python3", "-c", code) if code else ("/bin/sh", "-c", line)
        return await sandbox.run(replace(Job(command, tree, LIMITS), **changes))

    return run


@pytest.fixture
def marker() -> str:
    """A word by which the processes of one test are found."""
    return f"hydra-marker-{uuid.uuid4().hex}"


def survivors(marker: str) -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and marker in " ".join(process.info["cmdline"] or ()):
            found.append(process.pid)
    return found


def is_running(marker: str) -> bool:
    """Whether the command itself runs: bubblewrap, which has the marker too, may still be setting up its sandbox."""
    found = psutil.process_iter(["name", "cmdline"])
    return any(one.info["name"] != "bwrap" and marker in " ".join(one.info["cmdline"] or ()) for one in found)


async def test_a_command_reports_its_output_and_exit_status(run: Run) -> None:
    done = await run("echo out; echo err >&2; exit 3")
    assert (done.exit_status, done.stdout, done.stderr, done.reason, done.timed_out) == (3, "out\n", "err\n", "", False)
    assert sorted(done.output.split()) == ["err", "out"]


async def test_nothing_on_standard_error_is_taken_for_the_end_of_a_command(run: Run) -> None:
    end = '{"exit": 0, "oom_killed": false}'
    done = await run(f"echo '{end}' >&2; printf 'x{end}' >&2; exit 3")
    assert (done.exit_status, done.stderr) == (3, f"{end}\nx{end}")


async def test_a_command_that_ends_is_told_while_others_fill_standard_error(run: Run) -> None:
    # They share its pipe, which does not block then.
    code = (
        "import os, sys; os.set_blocking(2, False)\n"
        "if os.fork(): os._exit(3)\n"
        "while True:\n try: os.write(2, b'x' * 65536)\n except BlockingIOError: pass"
    )
    done = await run(code=code)
    assert (done.exit_status, done.reason, done.stdout) == (3, "", "")
    assert set(done.stderr.split("\n")[0]) <= {"x"}


async def test_a_command_killed_by_a_signal_says_so(run: Run) -> None:
    assert (await run("kill -9 $$")).exit_status == 128 + 9


async def test_a_command_that_does_not_exist_is_not_found(sandbox: Sandbox, tree: Path) -> None:
    assert (await sandbox.run(Job(("no-such-program",), tree, LIMITS))).exit_status == 127


async def test_files_of_the_host_are_not_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the host")
    done = await run(f"cat {tmp_path}/secret /etc/shadow; ls -A /home /root/.ssh {Path.home()}/.cache {tmp_path}")
    assert re.sub(r"^.*: (No such file or directory|Permission denied)\n|^/home:\n", "", done.output, flags=re.M) == ""


async def test_only_the_trees_own_files_are_in_the_work_folder(run: Run) -> None:
    assert (await run("pwd; ls -A; cat kept.txt")).output == "/work\nkept.txt\nas it was\n"


async def test_changes_in_the_work_folder_stay_there(run: Run, tree: Path) -> None:
    done = await run("echo changed > kept.txt && rm -f x && mkdir new && ls -A && cat kept.txt")
    assert done.output == "kept.txt\nnew\nchanged\n"
    assert [path.name for path in tree.iterdir()] == ["kept.txt"]
    assert (await run("ls -A; cat kept.txt")).output == "kept.txt\nas it was\n"


@pytest.mark.parametrize("path", ["/new", "/usr/new", "/etc/new", "/dev/new", "/tree/new", "/hydra/new", "/env/new"])
async def test_everything_else_is_read_only(run: Run, base_environment: Path, path: str) -> None:
    done = await run(f"echo x > {path}", environment=base_environment)
    assert done.exit_status != 0
    assert re.search("Read-only file system|Permission denied", done.output)


async def test_the_environment_is_an_allow_list(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_TEST_SECRET", "of the host")
    done = await run("env", env={"GIVEN": "by the settings"})
    variables = dict(line.split("=", 1) for line in done.output.splitlines())
    assert variables.pop("GIVEN") == "by the settings"
    assert variables.pop("TZ") == "UTC"
    assert variables.pop("LANG") == "C.UTF-8"
    assert variables.pop("HOME") == "/tmp/home"
    assert set(variables) == {"PATH", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PWD"}


async def test_there_is_no_network(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = await run(
            code=f"""
import socket
import sys
for address in [("127.0.0.1", {port}), ("192.0.2.1", 80), ("169.254.169.254", 80)]:
    try:
        socket.create_connection(address, timeout=5)
    except OSError as error:
        print("no", error.strerror)
try:
    socket.getaddrinfo("example.org", 80)
except OSError:
    print("no names")
print(sorted(name for _, name in socket.if_nameindex()))
"""
        )
    assert done.output.splitlines() == [
        "no Connection refused",
        "no Network is unreachable",
        "no Network is unreachable",
        "no names",
        "['lo']",
    ]


async def test_there_are_no_privileges(run: Run) -> None:
    done = await run(
        "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; unshare -U true; mount -t tmpfs x /tmp"
    )
    user, *rights = done.output.splitlines()[:4]
    assert int(user) >= 1000
    assert rights == ["CapEff:\t" + "0" * 16, "CapBnd:\t" + "0" * 16, "NoNewPrivs:\t1"]
    assert "unshare failed" in done.output
    assert done.exit_status != 0


async def test_only_its_own_processes_are_there(run: Run) -> None:
    done = await run(
        code="import os; print({name for name in os.listdir('/proc') if name.isdecimal()} - {str(os.getpid())})"
    )
    assert done.output == "{'1'}\n"


async def test_no_descriptor_of_the_host_is_open(run: Run) -> None:
    done = await run(code="import os; print(sorted(os.listdir('/proc/self/fd')))")
    assert done.output == "['0', '1', '2', '3']\n"


async def test_time_is_limited(run: Run, marker: str) -> None:
    done = await run(f"sleep 1000; : {marker}", limits=replace(LIMITS, seconds=0.5))
    assert done.timed_out
    assert done.reason == "timed out after 0.5 s"
    assert survivors(marker) == []


async def test_output_is_limited(run: Run) -> None:
    done = await run("echo first; head -c 10000000 /dev/zero | tr '\\0' y; echo last")
    assert (done.exit_status, done.reason) == (0, "")
    assert done.left_out == 10_000_011 - 64 * 1024
    assert (done.output[:6], done.output[-5:]) == ("first\n", "last\n")
    assert len(done.output) == 64 * 1024 + len(f"\n[{done.left_out:,} bytes left out]\n")


async def test_output_of_any_bytes_is_text(run: Run) -> None:
    assert (await run(r"printf 'a\377b\000c'")).output == "a\ufffdb\0c"


async def test_memory_is_limited(run: Run) -> None:
    done = await run(code="bytearray(600 << 20)")
    assert "MemoryError" in done.output


async def test_the_sandbox_knows_localhost(run: Run) -> None:
    done = await run(code="import socket; print(socket.gethostbyname('localhost'), socket.gethostbyname('sandbox'))")
    assert done.output == "127.0.0.1 127.0.0.1\n"


async def test_shared_memory_is_limited(run: Run) -> None:
    done = await run(code="import mmap; mmap.mmap(-1, 4 << 30)")
    assert "Cannot allocate memory" in done.output


async def test_the_size_of_a_file_is_limited(run: Run) -> None:
    done = await run("dd if=/dev/zero of=big bs=1M count=17")
    assert done.exit_status != 0
    assert (await run("dd if=/dev/zero of=big bs=1M count=16")).exit_status == 0


@pytest.mark.parametrize("folder", ["/work", "/tmp"])
async def test_the_size_of_all_files_is_limited(run: Run, folder: str) -> None:
    done = await run(f"cd {folder}; for name in 1 2 3; do dd if=/dev/zero of=$name bs=1M count=15 || exit 1; done")
    assert "No space left on device" in done.output


async def test_processes_that_outlive_their_parent_are_ended(run: Run, marker: str) -> None:
    orphan = f"setsid sh -c 'trap : HUP TERM; sleep 1000; : {marker}'"
    done = await run(f"{orphan} & {orphan} >/dev/null 2>&1 & echo parent")
    assert (done.exit_status, done.output) == (0, "parent\n")
    assert survivors(marker) == []


async def test_a_command_that_closes_its_output_is_waited_for(run: Run, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.touch()
    await run("exec >&- 2>&-; sleep 0.3; echo done > /results", results=results)
    assert results.read_text() == "done\n"


async def test_cancellation_leaves_no_process_and_no_file(
    run: Run, marker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    running = asyncio.ensure_future(run(f"setsid sh -c 'sleep 1000; : {marker}' & wait"))
    await until(lambda: survivors(marker))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert survivors(marker) == []
    assert list(scratch.iterdir()) == []


async def test_values_are_on_no_command_line(run: Run, marker: str) -> None:
    begun = f"begun-{marker}"
    running = asyncio.ensure_future(run(f"sleep 1000 # {begun[6:18]}", env={"SECRET": marker}))
    await until(lambda: survivors(begun[6:18]))
    assert survivors(marker) == []
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    "env", [{"A": "x\0--bind\0/\0/mnt"}, {"A\0--bind": "x"}, {"A=B": "x"}, {"": "x"}, {"A": "\ud800"}], ids=range(5)
)
async def test_a_variable_cannot_be_an_option_of_the_sandbox(run: Run, env: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"'sandbox\.env'"):
        await run("ls /mnt", env=env)


async def test_the_sandbox_ends_with_the_process_that_runs_it(
    request: pytest.FixtureRequest, sandbox: Sandbox, tree: Path, marker: str, tmp_path: Path
) -> None:
    program = f"""
import asyncio
from pathlib import Path
from activities.sandbox.backends import open_sandbox
from activities.sandbox.protocol import Job, Limits
from hydranet.settings import SandboxSettings

async def main():
    command = ("/bin/sh", "-c", "setsid sh -c 'sleep 1000; : {marker}' & wait")
    settings = SandboxSettings(backend={request.node.callspec.params["sandbox"]!r}, warm=1)
    async with open_sandbox(settings, Path({str(tmp_path)!r}, "worker")) as sandbox:
        await sandbox.run(Job(command, Path({str(tree)!r}), {LIMITS!r}))

asyncio.run(main())
"""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-", stdin=asyncio.subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert worker.stdin is not None
    worker.stdin.write(program.encode())
    worker.stdin.close()
    await until(lambda: is_running(marker))
    worker.kill()
    await worker.wait()
    await until(lambda: not survivors(marker))


async def test_many_sandboxes_run_at_once(run: Run) -> None:
    done = await asyncio.gather(*(run(f"echo {number} > kept.txt; cat kept.txt") for number in range(8)))
    assert [one.output for one in done] == [f"{number}\n" for number in range(8)]


async def test_a_sandbox_that_cannot_be_made_is_a_transient_error(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=r"could not be started.*no-such-tree"):
        await sandbox.run(Job(("true",), tmp_path / "no-such-tree", LIMITS))
