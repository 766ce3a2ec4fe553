"""A worker process: `python -m workers ROLE...`, configured like every other part by the settings."""

import asyncio
import contextlib
import logging
import os
import signal
import sys

from hydranet import settings
from hydranet.errors import UsageError
from workers import telemetry
from workers.connection import connect, ensure_namespace
from workers.roles import Role, run_workers
from workers.scratch import make_scratch

# The embedded stack holds the other end of this pipe; when it dies, however it dies, the pipe closes.
LIFELINE = "HYDRA_LIFELINE"


async def run_worker(roles: list[Role]) -> None:
    """Work until SIGTERM, SIGINT or, below an embedded stack, until that ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if lifeline := os.environ.get(LIFELINE):
        loop.add_reader(int(lifeline), stop.set)
    chosen = settings.load_settings()
    runtime = telemetry.build_runtime(chosen.metrics_address, list(Role).index(roles[0]))
    with telemetry.trace() as interceptors, make_scratch(chosen.data_dir / "scratch"):
        client = await connect(chosen.temporal, runtime, interceptors)
        if Role.SUPERVISOR in roles:
            await ensure_namespace(client)
        async with run_workers(client, chosen, roles):
            with contextlib.suppress(OSError):
                sys.stdout.write("ready\n")
                sys.stdout.flush()
            await stop.wait()


def main() -> int:
    """Run the roles named on the command line; exit code 2 for bad input."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("activities").setLevel(logging.INFO)
    try:
        asyncio.run(run_worker([Role(name) for name in sys.argv[1:]]))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
