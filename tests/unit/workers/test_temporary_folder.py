"""Temporary files of a worker that was killed are gone when the next one begins."""

import subprocess
import sys
import tempfile
from pathlib import Path

from workers.worker import open_temporary_folder

HOLDER = """
import sys, tempfile
from pathlib import Path
from workers.worker import open_temporary_folder
with open_temporary_folder(Path(sys.argv[1])):
    print(tempfile.mkdtemp(), flush=True)
    sys.stdin.read()
"""


def test_files_of_dead_processes_are_removed_and_those_of_live_ones_stay(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as killed,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as living,
    ):
        assert killed.stdout is not None
        assert living.stdout is not None
        stale, held = Path(killed.stdout.readline().strip()), Path(living.stdout.readline().strip())
        killed.kill()
        killed.wait()
        assert stale.is_dir()
        before = tempfile.gettempdir()
        with open_temporary_folder(tmp_path) as own:
            assert not stale.parent.exists()
            assert held.is_dir()
            with tempfile.TemporaryDirectory() as folder:
                assert Path(folder).parent == own
        assert tempfile.gettempdir() == before
        assert not own.exists()
        living.communicate()
    assert not held.exists()
