"""`python -m unittest` with a recorder and the canary; the arguments and what it prints are unittest's own.

With a program in front of its arguments, `manage.py`, `django-admin` or `-m django`, it runs the program instead, which
is to run its tests by unittest: that is how Django does it. `HYDRA_PLUGIN` holds the settings of `plugin`.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import sys
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .unittest_records import RecordingResult, SessionRecords

SINGLE_PROCESS = ("--noinput", "--parallel=1")
"""The options of Django's tests in a process that is forked: it shares no databases, and answers no question."""

# The exit status of a shell that finds no program.
_NOT_FOUND = 127


class RecordingRunner(unittest.TextTestRunner):
    """A runner that records its tests and runs the canary after them."""

    resultclass: Any = RecordingResult
    has_run = False

    def run(self, test: unittest.TestSuite | unittest.TestCase) -> unittest.TextTestResult:
        """Run the tests, all of them where one that fails would hide the rest."""
        RecordingRunner.has_run = True
        # Django names a class of its own for the options that debug.
        records = RecordingResult.records
        self.resultclass, self.failfast = RecordingResult, records.stops
        records.select(test)
        records.write({"kind": "collected", "count": test.countTestCases()})
        result = super().run(test)
        records.finish(result.wasSuccessful())
        return result


def main() -> None:
    """Run unittest with the arguments of this process, or the script that they name."""
    text = os.environ.pop("HYDRA_PLUGIN", None)
    arguments = sys.argv[1:]
    is_program = arguments[:1] in (["-m"], ["django-admin"]) or (arguments[:1] and arguments[0].endswith("manage.py"))
    if text is not None:
        settings = json.loads(text)
        RecordingResult.records = records = make_records(settings)
        arguments += SINGLE_PROCESS if is_program and type(records) is not SessionRecords else ()
    if is_program:
        if text is not None:
            replace_runner()
        try:
            run_program(arguments)
        finally:
            # A runner that another package derived from ours, and that ran the tests itself, has no canary.
            if RecordingRunner.__subclasses__() and not RecordingRunner.has_run:
                RecordingResult.records.write({"kind": "finish", "status": 1})
        return
    # What a traceback or a usage names is unittest, as without us.
    sys.argv[0] = f"{Path(sys.executable).name} -m unittest"
    unittest.main(module=None, testRunner=RecordingRunner if text is not None else None)


def make_records(settings: dict[str, Any]) -> SessionRecords:
    """Return the records of a session as its settings want them: plain, with a comparison, or with coverage."""
    if "behaviours" in settings:
        from .unittest_behaviours import ComparingRecords

        return ComparingRecords(settings)
    if "order" in settings:
        from .unittest_coverage import TracingRecords

        return TracingRecords(settings)
    return SessionRecords(settings)


def replace_runner() -> None:
    """Have whoever imports unittest's runner from now on, such as Django, get ours."""
    unittest.TextTestRunner = RecordingRunner  # type: ignore[misc]


def run_program(arguments: Sequence[str]) -> None:
    """Run a script, `django-admin` from the search path, or a module after `-m`, as Python does it."""
    script, *others = arguments
    if script == "-m":
        sys.argv[:] = others
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
        return
    if script == "django-admin":
        script = shutil.which(script) or sys.exit(_NOT_FOUND)
    sys.argv[:] = [script, *others]
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
