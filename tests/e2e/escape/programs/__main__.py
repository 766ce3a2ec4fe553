"""Hostile programs: runs the one that is named, or each in a process of its own, and prints their output as JSON.

After `--without` come the names of programs that are left out.
"""

import json
import subprocess
import sys

import files  # noqa: F401
import kernel  # noqa: F401
import network  # noqa: F401
import privileges  # noqa: F401
from doors import PROGRAMS


def main() -> None:
    if sys.argv[1:] and sys.argv[1] != "--without":
        PROGRAMS[sys.argv[1]]()
        return
    for name in PROGRAMS.keys() - set(sys.argv[2:]):
        command = [sys.executable, "-B", __file__, name]
        try:
            ran = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
            )
            output, status = ran.stdout, ran.returncode
        except subprocess.TimeoutExpired as error:
            output, status = str(error.stdout), -1
        print(json.dumps({"program": name, "status": status, "output": output.splitlines()}), flush=True)


main()
