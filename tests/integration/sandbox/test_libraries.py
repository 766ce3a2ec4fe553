"""Libraries in warm trials: imported once where that is safe, and each verdict is that of a process of its own."""

import shlex

import pytest

from hydranet import patches
from hydranet.contracts import Candidate, PrepareRequest
from tests.integration.conftest import Make
from tests.integration.sandbox.test_forged_runners import CODE, FIXED

TESTS = """
import os
import money
from shop.cart import count, total

def test_total():
    assert total([1, 2]) == 3, "imported here" if money.PROCESS == os.getpid() else "imported before"

def test_count():
    assert count([1, 2]) == 2
    assert money.check()
"""
FILES = {
    "shop/__init__.py": "import shop.cart\nimport money\n",
    "shop/cart.py": CODE,
    "tests/conftest.py": "import shop\n",
    "tests/test_cart.py": TESTS,
}
PLAIN = "import os\nPROCESS = os.getpid()\ndef check(): return True\n"
THREAD = """
import threading
stop = threading.Event()
thread = threading.Thread(target=stop.wait, daemon=True)
thread.start()
def check(): return thread.is_alive() and threading.active_count() == 2
"""
VARIABLE = "RATE = os.environ.get('RATE')\ndef check(): return RATE == '2'\n"
FUNCTION = "from random import random\ndef check(): return random() == 2\n"
STAND_IN = """
try:
    import rates
except ImportError:
    rates = None
def check(): return rates is not None
"""
# The library, the conftest of the repository, and whether the library is imported before the candidates.
LIBRARIES = {
    "alone": (PLAIN, "import shop\n", True),
    "with a library": (f"{PLAIN}import multiprocessing, pluggy\n", "import shop\n", True),
    "the repository": (
        f"{PLAIN}import shop.cart\ndef check(): return shop.cart.total([]) < 2\n",
        "import shop\n",
        False,
    ),
    "a thread": (PLAIN + THREAD, "import shop\n", False),
    "a variable": (PLAIN + VARIABLE, "import os\nos.environ['RATE'] = '2'\nimport shop\n", False),
    "a function": (PLAIN + FUNCTION, "import random\nrandom.random = lambda: 2\nimport shop\n", False),
    "a stand-in": (PLAIN + STAND_IN, "import sys\nsys.modules['rates'] = sys\nimport shop\n", False),
}


def install(library: str) -> str:
    """Return the command that installs `library` as the module `money`."""
    code = f"import pathlib, pip; pathlib.Path(pip.__path__[0]).with_name('money.py').write_text({library!r})"
    return f"python -c {shlex.quote(code)}"


@pytest.mark.parametrize("command", ["python -m pytest -q", "python -m pytest -q && true"], ids=["warm", "anew"])
@pytest.mark.parametrize("case", list(LIBRARIES))
async def test_a_verdict_does_not_depend_on_when_a_library_is_imported(project: Make, case: str, command: str) -> None:
    library, conftest, is_early = LIBRARIES[case]
    files = {**FILES, "tests/conftest.py": conftest}
    made = await project(files, test_command=command, setup=(install(library),))
    made.environment = await made.activities.prepare_environment(PrepareRequest(snapshot=made.snapshot, spec=made.spec))
    report = await made.test()
    assert (report.failing, report.passing_count) == (("tests/test_cart.py::test_total",), 1), report
    wrong, right = (
        Candidate(diff=patches.make_diff("shop/cart.py", CODE, text)) for text in (CODE.replace("+ 1", "+ 0.5"), FIXED)
    )
    failed = await made.attempt(report.results, [wrong])
    assert failed.report.failing == report.failing
    is_warm = "&&" not in command
    assert f"imported {'before' if is_early and is_warm else 'here'}" in failed.report.tail, failed.report.tail
    trial = await made.attempt(report.results, [wrong, right])
    assert (trial.index, trial.report.passed, trial.report.passing_count) == (1, True, 2), trial.report
