"""The embedded Temporal server where the environment of its start lacks what it asks for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from hydranet.settings import Settings
from workers import private_process
from workers.sealing import load_keys
from workers.temporal_server import TemporalServer, find_free_port


@pytest.mark.parametrize("variables", [{"USER": None}, {"USER": ""}, {"USER": None, "HOME": None}])
async def test_the_server_starts_without_the_name_of_a_user(
    variables: dict[str, str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A small image has no user 1000.
    monkeypatch.setattr(private_process, "_USER_ID", 54_321)
    settings = Settings(data_dir=tmp_path)
    keys = load_keys(settings)
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    # The path of a Unix socket is short.
    with tempfile.TemporaryDirectory(prefix="hydra-") as runtime:
        log = tmp_path / "temporal.log"
        server = TemporalServer(settings.temporal, keys, tmp_path, Path(runtime), log, find_free_port())
        try:
            await server.start()
            assert not server.has_ended()
        finally:
            await server.stop()
