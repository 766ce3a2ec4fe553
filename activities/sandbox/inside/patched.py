"""Writes the changes in /inputs/changes.json into the work tree and becomes the command that is given."""

import json
import os
import sys
from pathlib import Path

from .files import write


def main() -> None:
    """Become the command."""
    write(json.loads(Path("/inputs/changes.json").read_text()))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606


main()
