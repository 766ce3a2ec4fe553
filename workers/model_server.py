"""The model server that an inference worker keeps: started, started again when it is gone, and warmed up each time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shlex
import signal
import subprocess
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx

from activities.background import run_beside
from activities.inference.addresses import find_origin, resolve_ollama
from activities.inference.inquiry import list_configured
from hydranet.errors import HydraError, UsageError
from hydranet.settings import Settings
from workers.private_process import end

_logger = logging.getLogger("activities.inference")

_UNIT = "unit:"
_EVERY_SECONDS = 1.0
# A server that loads a model answers other requests meanwhile, with at most this delay.
_ANSWER_SECONDS = 5.0
# One that is there and answers nothing so often is hung.
_SILENT_TIMES = 3
# For a server to answer once it was started. Ollama takes one second, a llama.cpp server reads its model first.
_START_SECONDS = 180.0
_LONGEST_PAUSE_SECONDS = 60.0


def build_model_server(settings: Settings, warm_up: Callable[[], Awaitable[None]]) -> ModelServer | None:
    """Return the server that `models.keep` names, None without one.

    It is that of the first model of this node's purposes where this names an address, and else Ollama's. Raises
    UsageError for one on another machine, and for what is no command line.
    """
    command = settings.models.keep.strip()
    if not command:
        return None
    model = next((asked.model for asked in list_configured(settings)), "")
    named = re.fullmatch(r"openai:(.+)#.+", model)
    origin = find_origin(named[1] if named else resolve_ollama(settings.models)[0])
    if not origin.is_local:
        raise UsageError(
            f"The model server {origin} is on another machine, where 'models.keep' starts nothing: set it there, "
            "or correct the server's address."
        )
    try:
        shlex.split(command)
    except ValueError:
        raise UsageError("The setting 'models.keep' is no command: close its quotes, or write unit:NAME.") from None
    return ModelServer(command, str(origin), warm_up, settings.data_dir / "logs" / "model-server.log")


class ModelServer:
    """The server at `address`, which `command` starts: a command line, or `unit:NAME` of the user's systemd.

    `warm_up` loads the models that have been asked for.
    """

    def __init__(self, command: str, address: str, warm_up: Callable[[], Awaitable[None]], log: Path) -> None:
        self._command = command
        self._address = address
        self._warm_up = warm_up
        self._log = log
        self._process: Process | None = None
        self._served = asyncio.Event()

    async def wait_until_served(self) -> None:
        """Return once the server answers and is warm, or has been given up for now: a call then says why."""
        await self._served.wait()

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Keep the server until the block is left. One that answers already is left as it is, until it does not."""
        try:
            async with run_beside(self._keep()):
                yield
        finally:
            await self._end()

    async def _keep(self) -> None:
        silent, pause = 0, _EVERY_SECONDS
        while True:
            if await self._answers():
                silent, pause = 0, _EVERY_SECONDS
                self._served.set()
            elif (silent := silent + 1) >= _SILENT_TIMES or not self._served.is_set() or self._has_ended():
                self._served.clear()
                await self._restart()
                # So that a server that cannot start does not take all of a processor.
                await asyncio.sleep(pause)
                silent, pause = 0, min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            await asyncio.sleep(_EVERY_SECONDS)

    async def _restart(self) -> None:
        _logger.warning("The model server at %s does not answer: starting it (%s).", self._address, self._command)
        if self._process is not None and not self._has_ended():
            self._process.kill()  # which answers nothing, so it would not hear a request to end either
        await self._end()
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._start()
                await self._wait_for_answer()
                await self._warm_up()
        except (OSError, TimeoutError, HydraError) as error:
            reason = str(error) or f"it is silent for {_START_SECONDS:g} seconds"
            _logger.warning("The model server did not start (%s): see %s.", reason.rstrip("."), self._log)
        else:
            _logger.warning("The model server at %s answers.", self._address)
        finally:
            # Whoever waits gets the server's own answer, or the reason why there is none.
            self._served.set()

    async def _wait_for_answer(self) -> None:
        while not await self._answers():
            if self._has_ended():
                raise UsageError("it has ended")
            await asyncio.sleep(_EVERY_SECONDS / 5)

    async def _start(self) -> None:
        # It has no use for our settings, some of which are secrets.
        variables = {name: value for name, value in os.environ.items() if not name.startswith("HYDRA_")}
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._build_command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=variables,
                start_new_session=True,
            )
        if self._command.startswith(_UNIT):
            if await process.wait():
                raise UsageError(f"systemd does not start {self._command.removeprefix(_UNIT)}")
        else:
            self._process = process

    async def _end(self) -> None:
        if self._process is not None:
            await end(self._process)
            # What it has started itself, such as a process per model.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _build_command(self) -> list[str]:
        if self._command.startswith(_UNIT):
            return ["systemctl", "--user", "restart", self._command.removeprefix(_UNIT)]
        return shlex.split(self._command)

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    async def _answers(self) -> bool:
        try:
            transport = httpx.AsyncHTTPTransport()  # without the proxies of the environment
            client = httpx.AsyncClient(transport=transport, timeout=_ANSWER_SECONDS)
            # Whatever it says: an error is an answer.
            async with client, client.stream("GET", self._address):
                return True
        except httpx.HTTPError:
            return False
