"""How processes of ours are started: isolated, and with UTF-8 for all text whatever the locale."""

import os
import shutil
import subprocess
from pathlib import Path

from workers.stack import build_command

COMMAND = Path(__file__).parents[3] / "bin" / "hydra"
PROGRAM = "import sys; print(sys.flags.isolated, sys.flags.utf8_mode)"
# Where Python would not choose UTF-8 mode by itself.
LOCALE = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"}


def test_a_process_of_the_stack() -> None:
    *python, _, _ = build_command("a_module")
    done = subprocess.run([*python, "-c", PROGRAM], env=LOCALE, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_the_command(tmp_path: Path) -> None:
    shutil.copy(COMMAND, tmp_path / "hydra")
    python = tmp_path / "python"
    python.write_text(f"""#!/bin/sh
while [ "$1" != -m ]; do flags="$flags $1"; shift; done
exec python3 $flags -c '{PROGRAM}'
""")
    python.chmod(0o755)
    done = subprocess.run([tmp_path / "hydra", "runs"], env=LOCALE, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]
