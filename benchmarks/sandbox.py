"""What a sandbox costs: an attempt in it beside the bare test command, cold starts, and eight attempts at once.

Run with `python -m benchmarks.sandbox [ROUNDS]`.

The test command is pytest on a small project, bare and inside with the same packages; the bare run uses the
environment that bubblewrap would, whose interpreter is this machine's. The two take turns, so that a busy machine
disturbs both; what a sandbox costs is the median of their differences.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import platformdirs

from activities.sandbox import dependencies
from activities.sandbox.backends import open_sandbox
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.docker import Docker
from activities.sandbox.protocol import Job, Limits, Sandbox
from activities.sandbox.virtual_environments import EnvironmentCache
from hydranet.contracts import SandboxSpec
from hydranet.errors import UsageError
from hydranet.settings import SandboxSettings

CACHE = platformdirs.user_cache_path("hydranet-tests")
COMMAND = ("python3", "-m", "pytest", "-q", "-p", "no:cacheprovider")
LIMITS = Limits.for_tests(SandboxSpec())
AT_ONCE = 8
# As inside, where nothing compiled is left for the next attempt.
ENV = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}


def bare(tree: Path, python: Path) -> float:
    """Seconds of the command without a sandbox."""
    began = time.monotonic()
    subprocess.run([python, *COMMAND[1:]], cwd=tree, check=True, capture_output=True, env=ENV)
    return time.monotonic() - began


async def taken(run: Callable[[], Awaitable[object]]) -> float:
    began = time.monotonic()
    await run()
    return time.monotonic() - began


def told(what: str, seconds: list[float]) -> None:
    median = statistics.median(seconds)
    print(f"  {what:34} {median * 1000:7.0f} ms   ({min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f})")


async def inside(sandbox: Sandbox, job: Job) -> None:
    """One attempt; it has to pass."""
    done = await sandbox.run(job)
    if done.exit_status:
        raise SystemExit(f"The test command failed in {sandbox.name}: {done.output[-500:]}{done.reason}")


async def measure(backend: str, tree: Path, folder: Path, python: Path, rounds: int) -> None:
    settings = SandboxSettings(backend=backend, warm=1)
    async with open_sandbox(settings, folder) as sandbox:
        environment = await EnvironmentCache(sandbox, CACHE).prepare(
            dependencies.plan_base(sandbox), tree, SandboxSpec()
        )
        job = Job(COMMAND, tree, LIMITS, environment=environment)
        print(f"{sandbox.name}")
        outside: list[float] = []
        cold: list[float] = []
        warm: list[float] = []
        for _ in range(rounds):
            outside.append(await asyncio.to_thread(bare, tree, python))
            if isinstance(sandbox, Docker):
                await sandbox._pool.close()
                cold.append(await taken(lambda: inside(sandbox, job)))
                await asyncio.gather(*sandbox._pool._filling)
            warm.append(await taken(lambda: inside(sandbox, job)))
        told("bare test command", outside)
        if cold:
            told("attempt, cold container", cold)
        told("attempt, warm container" if cold else "attempt, new sandbox", warm)
        over = sorted(one - other for one, other in zip(warm, outside, strict=True))
        middle = f"half of them {over[rounds // 4] * 1000:.0f} to {over[-rounds // 4] * 1000:.0f}"
        print(f"  {'over the bare command':34} {statistics.median(over) * 1000:7.0f} ms   ({middle})")
        together = await taken(lambda: asyncio.gather(*(inside(sandbox, job) for _ in range(AT_ONCE))))
        print(f"  {f'{AT_ONCE} attempts at once, no errors':34} {together * 1000:7.0f} ms on {os.cpu_count()} cores")


def project(tree: Path) -> Path:
    """A hundred tests in ten files."""
    tree.mkdir()
    for number in range(10):
        tests = "".join(f"def test_{one}(): assert {one} + 1 == {one + 1}\n" for one in range(10))
        (tree / f"test_{number}.py").write_text(tests)
    return tree


async def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    print(f"{rounds} pairs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        tree, own = project(Path(scratch, "tree")), Bubblewrap()
        python = (
            await EnvironmentCache(own, CACHE).prepare(dependencies.plan_base(own), tree, SandboxSpec())
            / "bin"
            / "python3"
        )
        for backend in ("bubblewrap", "docker"):
            try:
                await measure(backend, tree, Path(scratch, backend), python, rounds)
            except UsageError as error:
                print(f"{backend}: {error}")


if __name__ == "__main__":
    asyncio.run(main())
