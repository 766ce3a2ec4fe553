"""Patches to the program that forge the test runner: each is tried as a candidate and as a fix to be verified."""

import textwrap
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from activities.sandbox.bubblewrap import Bubblewrap
from hydranet import patches
from hydranet.contracts import Candidate, TestReport
from tests.integration.conftest import Make, Project, make_project

CODE = "def total(prices):\n    return sum(prices) + 1\n\n\ndef count(prices):\n    return len(prices)\n"
FIXED = CODE.replace(" + 1", "")
TESTS = """
import unittest
from shop.cart import count, total

class CartTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)

    def test_count(self):
        self.assertEqual(count([1, 2]), 2)
"""
FILES = {"shop/__init__.py": "", "shop/cart.py": CODE, "tests/__init__.py": "", "tests/test_cart.py": TESTS}
# The same without unittest.
FUNCTIONS = """
from shop.cart import count, total

class CartTest:
    def test_total(self):
        assert total([1, 2]) == 3

    def test_count(self):
        assert count([1, 2]) == 2
"""
FUNCTION_FILES = {**FILES, "tests/test_cart.py": FUNCTIONS.replace("CartTest", "TestCart")}
COMMANDS = {
    "pytest": "python -m pytest -q",
    "anew": "python -m pytest -q && true",
    "unittest": "python -m unittest -v",
    "unittest anew": "python -m unittest -v && true",
    "django": "python manage.py test",
}
PYTEST_ID, UNITTEST_ID = "tests/test_cart.py::CartTest::test_total", "tests.test_cart.CartTest.test_total"
IDS = {"pytest": PYTEST_ID, "anew": PYTEST_ID}
DJANGO_FILES = {
    **FILES,
    "requirements.txt": "django==5.2.*\n",
    "manage.py": "import sys\nfrom django.core.management import execute_from_command_line\n"
    "execute_from_command_line(sys.argv)\n",
    "site_settings.py": "SECRET_KEY = 'for tests'\nINSTALLED_APPS = ['shop']\n",
    "tests/test_cart.py": TESTS.replace("unittest", "django.test").replace("TestCase", "SimpleTestCase"),
}
ENV = {"DJANGO_SETTINGS_MODULE": "site_settings"}

# The code that a patch puts at the top of the program.
ANY = {
    "exit": "import os; os._exit(0)",
    "exit politely": "import sys; sys.exit(0)",
    "exit from a child": "import os; os.fork() and (os.wait(), os._exit(0))",
    "exit at the end": "import atexit, os; atexit.register(os._exit, 0)",
    "exit of a thread": "import os, threading, time; threading.Timer(0.05, os._exit, [0]).start(); time.sleep(1)",
    "no assertions": """
        import unittest
        for name in dir(unittest.TestCase):
            if name.startswith("assert"):
                setattr(unittest.TestCase, name, lambda *_, **__: None)
    """,
    "one assertion": "import unittest; unittest.TestCase.assertEqual = lambda *_: None",
    "another error": """
        import builtins, unittest
        class Skip(BaseException): pass
        unittest.TestCase.failureException = builtins.AssertionError = unittest.SkipTest
    """,
    "no methods": "import unittest; unittest.TestCase._callTestMethod = lambda self, method: None",
    "no cases": """
        import unittest
        def run(self, result=None):
            result.startTest(self); result.addSuccess(self); result.stopTest(self)
        unittest.TestCase.run = unittest.TestCase.__call__ = run
    """,
    "some methods": """
        import unittest
        def call(self, method, original=unittest.TestCase._callTestMethod):
            if "Cart" not in type(self).__name__:
                original(self, method)
        unittest.TestCase._callTestMethod = call
    """,
    "failures are successes": """
        import unittest
        for kind in (unittest.TestResult, unittest.TextTestResult):
            kind.addFailure = kind.addError = lambda self, test, err: self.addSuccess(test)
    """,
    "forged records": """
        import json, os
        with open("/results", "a") as file:
            for test in TESTS:
                file.write(json.dumps({"kind": "test", "id": test, "outcome": "passed"}) + chr(10))
            file.write(json.dumps({"kind": "finish", "status": 0}) + chr(10))
        os._exit(0)
    """,
    "records instead of others": """
        import json, os
        lines = [{"kind": "test", "id": test, "outcome": "passed"} for test in TESTS]
        lines += [{"kind": "canary", "outcome": "failed"}, {"kind": "finish", "status": 0}]
        with open("/results", "w") as file:
            file.writelines(json.dumps(line) + chr(10) for line in lines)
        os._exit(0)
    """,
    "records everywhere": """
        import json, os
        for descriptor in range(3, 40):
            try:
                for test in TESTS:
                    line = json.dumps({"kind": "test", "id": test, "outcome": "passed"})
                    os.write(descriptor, line.encode() + b"\\n")
                os.write(descriptor, b'{"kind": "finish", "status": 0}' + b"\\n")
            except OSError:
                pass
        os._exit(0)
    """,
    "a seal from the environment": """
        import os, re
        found = re.findall("[0-9a-f]{32}", open("/proc/self/environ").read() + open("/results").read())
        for seal in found or ["0" * 32]:
            with open("/results", "a") as file:
                for test in TESTS:
                    file.write(f'{seal} {{"kind": "test", "id": "{test}", "outcome": "passed"}}' + chr(10))
        os._exit(0)
    """,
    "another dump": """
        import json
        def dumps(value, *a, original=json.dumps, **k):
            return original(value, *a, **k).replace('"failed"', '"passed"').replace('"error"', '"passed"')
        json.dumps = dumps
    """,
    "another write": """
        import os
        def write(descriptor, data, original=os.write):
            original(descriptor, data.replace(b'"failed"', b'"passed"').replace(b'"error"', b'"passed"'))
            return len(data)
        os.write = write
    """,
    "printed results": """
        import os, sys
        text = "".join(f"{t.split('.')[-1]} ({t}) ... ok" + chr(10) for t in TESTS)
        os.write(1, f"{text}{chr(10)}{'-' * 70}{chr(10)}Ran 2 tests in 0.001s{chr(10)}{chr(10)}OK{chr(10)}".encode())
        os._exit(0)
    """,
    "another session": """
        import os, pathlib, subprocess, sys
        if not os.environ.get("AGAIN"):
            env = dict(pair.split("=", 1) for pair in open("/proc/self/environ").read().split(chr(0)) if "=" in pair)
            env["AGAIN"] = "1"
            folder = pathlib.Path("/tmp/again/tests"); folder.mkdir(parents=True)
            (folder / "__init__.py").touch()
            (folder / "test_cart.py").write_text(
                "import unittest\\nclass CartTest(unittest.TestCase):\\n"
                "    def test_total(self): pass\\n    def test_count(self): pass\\n"
            )
            module = "pytest" if "pytest" in sys.modules else "hydra_inside.unittest_main"
            done = subprocess.run([sys.executable, "-m", module], cwd="/tmp/again", env=env)
            os._exit(done.returncode)
    """,
    "other test files": """
        import sys
        from importlib.machinery import SourceFileLoader
        class Loader(SourceFileLoader):
            def get_code(self, name):
                return compile(self.get_data(self.path).replace(b"self.assertEqual", b"(lambda *_: 0)")
                               .replace(b"assert total", b"total"), self.path, "exec")
        class Finder:
            def find_spec(self, name, path, target=None):
                import importlib.util
                if name == "tests.test_cart":
                    return importlib.util.spec_from_file_location(name, "/work/tests/test_cart.py",
                        loader=Loader(name, "/work/tests/test_cart.py"))
        sys.meta_path.insert(0, Finder())
        sys.modules.pop("tests.test_cart", None)
    """,
}
PYTEST = {
    "no functions": "import _pytest.python; _pytest.python.Function.runtest = lambda self: None",
    "no test cases": "import _pytest.unittest; _pytest.unittest.TestCaseFunction.runtest = lambda self: None",
    "no protocol": """
        import _pytest.runner
        def protocol(item, log=True, nextitem=None):
            item.session._setupstate.teardown_exact(nextitem)
            reports = [_pytest.runner.TestReport(item.nodeid, item.location, {}, "passed", None, when)
                       for when in ("setup", "call", "teardown")]
            for report in reports if log else ():
                item.ihook.pytest_runtest_logreport(report=report)
            return reports
        _pytest.runner.runtestprotocol = protocol
    """,
    "passing reports": """
        import _pytest.reports
        class Report(_pytest.reports.TestReport):
            @classmethod
            def from_item_and_call(cls, item, call):
                call.excinfo = None
                return super().from_item_and_call(item, call)
        import _pytest.runner
        _pytest.runner.TestReport = Report
    """,
    "swallowed errors": """
        import _pytest.runner
        def from_call(cls, func, when, reraise=None, original=_pytest.runner.CallInfo.from_call.__func__):
            info = original(cls, func, when, reraise)
            if info.excinfo:
                info.excinfo, info._result = None, None
            return info
        _pytest.runner.CallInfo.from_call = classmethod(from_call)
    """,
    "another recorder": """
        import hydra_inside.recorder as recorder
        def write(self, record, original=recorder.Recorder.write):
            if record.get("outcome") in ("failed", "error"):
                record = {**record, "outcome": "passed"}
            if record.get("kind") == "finish":
                record = {**record, "status": 0}
            original(self, record)
        recorder.Recorder.write = write
    """,
    "a plugin of its own": """
        import gc, pytest
        class Plugin:
            @pytest.hookimpl(hookwrapper=True, tryfirst=True)
            def pytest_runtest_makereport(self, item, call):
                outcome = yield
                outcome.get_result().outcome = "passed"
        for found in gc.get_objects():
            if isinstance(found, pytest.PytestPluginManager):
                found.register(Plugin())
    """,
    "a session that ends": "import pytest; pytest.exit('all is well', returncode=0)",
    "some functions": """
        import _pytest.python, _pytest.unittest
        for kind in (_pytest.python.Function, _pytest.unittest.TestCaseFunction):
            def runtest(self, original=kind.runtest):
                if "cart" not in self.nodeid:
                    original(self)
            kind.runtest = runtest
    """,
    "no items": """
        import gc, pytest
        def collection(self, *_, **__):
            self.items = []; self.testscollected = 0
            return []
        pytest.Session.perform_collect = collection
    """,
    "no status": """
        import gc, pytest
        for found in gc.get_objects():
            if isinstance(found, pytest.Session):
                type(found).__setattr__ = lambda self, name, value: object.__setattr__(
                    self, name, 0 if name in ("testsfailed", "exitstatus") else value)
    """,
}
UNITTEST = {
    "no runner": """
        import unittest
        unittest.TextTestRunner.run = lambda self, test: unittest.TextTestResult(self.stream, 1, 1)
    """,
    "no program": "import unittest, sys; unittest.TestProgram.runTests = lambda self: sys.exit(0)",
    "another result": """
        import hydra_inside.unittest_records as records
        records.RecordingResult._fold = lambda self, test, outcome, message="": self._test.update(outcome="passed")
    """,
    "no finish": """
        import hydra_inside.unittest_records as records
        records.Records.finish = lambda self, status: self.write({"kind": "finish", "status": 0})
        records.RecordingResult._fold = lambda self, *_: self._test.update(outcome="passed")
    """,
    "a successful suite": "import unittest; unittest.TestSuite.run = lambda self, result, debug=False: result",
}
DJANGO = {
    "one assertion of Django's": "import django.test; django.test.SimpleTestCase.assertEqual = lambda *_: None",
    "no cases of Django's": """
        import django.test
        def run(self, result=None):
            result.startTest(self); result.addSuccess(self); result.stopTest(self)
        django.test.SimpleTestCase.run = django.test.SimpleTestCase.__call__ = run
    """,
    "no databases": """
        import django.test.runner, sys
        django.test.runner.DiscoverRunner.run_suite = lambda *_, **__: sys.exit(0)
    """,
}
# Without the canary and the comparison of the runner these would pass.
TRUST = {"one assertion", "no methods", "no cases", "some methods", "no functions", "no test cases", "no protocol"}
TRUST |= {
    "one assertion of Django's",
    "no cases of Django's",
    "passing reports",
    "swallowed errors",
    "a plugin of its own",
    "some functions",
}
FORGED = [
    *((runner, name, code) for runner in COMMANDS for name, code in ANY.items()),
    *((runner, name, code) for runner in ("pytest", "anew") for name, code in PYTEST.items()),
    *((runner, name, code) for runner in ("unittest", "unittest anew", "django") for name, code in UNITTEST.items()),
    *(("django", name, code) for name, code in DJANGO.items()),
]


Base = Callable[[str, dict[str, str]], Awaitable[tuple[Project, TestReport]]]


def choose_files(runner: str) -> dict[str, str]:
    return DJANGO_FILES if runner == "django" else FILES


def forge(runner: str, code: str) -> str:
    test = IDS.get(runner, UNITTEST_ID)
    tests = [test, test.replace("total", "count")]
    return f"TESTS = {tests}\n{textwrap.dedent(code).strip()}\n{CODE}"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """Makes the project of a runner, and runs its tests: once, as for the candidates of one run."""
    bases: dict[tuple[str, str], tuple[Project, TestReport]] = {}

    async def make(runner: str, files: dict[str, str]) -> tuple[Project, TestReport]:
        key = (runner, files["tests/test_cart.py"])
        if key not in bases:
            settings: dict[str, Any] = {"test_command": COMMANDS[runner], "test_timeout": 20, "env": ENV}
            project = await make_project(tmp_path_factory.mktemp("base"), Bubblewrap(), files, **settings)
            bases[key] = project, await project.test()
        return bases[key]

    return make


@pytest.mark.parametrize(("runner", "name", "code"), FORGED, ids=[f"{runner}-{name}" for runner, name, _ in FORGED])
async def test_a_forged_runner_is_not_believed(base: Base, runner: str, name: str, code: str) -> None:
    files = FUNCTION_FILES if name in PYTEST and name != "no test cases" else choose_files(runner)
    project, baseline = await base(runner, files)
    assert baseline.failing_count == 1
    forged = Candidate(diff=patches.make_diff("shop/cart.py", CODE, forge(runner, code)), title=name)
    trial = await project.attempt(baseline.results, [forged])
    assert not trial.report.passed
    verified = await project.verify(baseline.results, forged)
    assert not verified.passed
    if name in TRUST:
        # A late fork hides its objects from the garbage collector, and so from a plugin that looks for pytest there.
        is_hidden = (runner, name) == ("pytest", "a plugin of its own")
        assert is_hidden or trial.report.reason.startswith("The result is not trusted: ")
        assert verified.reason.startswith("The result is not trusted: ")


@pytest.fixture(params=list(COMMANDS))
def runner(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def made(project: Make, runner: str) -> Project:
    return await project(choose_files(runner), test_command=COMMANDS[runner], test_timeout=20, env=ENV)


async def test_a_fix_is_believed(project: Make, made: Project, runner: str) -> None:
    baseline = (await made.test()).results
    trial = await made.attempt(baseline, [Candidate(diff=patches.make_diff("shop/cart.py", CODE, FIXED))])
    assert (trial.report.passed, trial.report.passing_count) == (True, 2)
    files = {**choose_files(runner), "shop/cart.py": FIXED}
    fixed = await project(files, test_command=COMMANDS[runner], env=ENV)
    report = await fixed.test(baseline)
    assert (report.passed, report.passing_count, report.exit_status) == (True, 2, 0)
