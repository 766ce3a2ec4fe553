"""Temporary files of a worker that was killed are gone when the next one begins."""

import subprocess
import sys
import tempfile
from pathlib import Path

from workers.scratch import make_scratch

HOLDER = """
import sys, tempfile
from pathlib import Path
from workers.scratch import make_scratch
with make_scratch(Path(sys.argv[1])):
    print(tempfile.mkdtemp(), flush=True)
    sys.stdin.read()
"""


def test_what_the_dead_left_is_removed_and_what_the_living_hold_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as killed,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as living,
    ):
        assert killed.stdout is not None
        assert living.stdout is not None
        left, held = Path(killed.stdout.readline().strip()), Path(living.stdout.readline().strip())
        killed.kill()
        killed.wait()
        assert left.is_dir()
        before = tempfile.gettempdir()
        with make_scratch(tmp_path) as own:
            assert not left.parent.exists()
            assert held.is_dir()
            with tempfile.TemporaryDirectory() as made:
                assert Path(made).parent == own
        assert tempfile.gettempdir() == before
        assert not own.exists()
        living.communicate()
    assert not held.exists()
