"""Failures of the environment in a real sandbox: told at the base, and in the way of no fix."""

from tests.integration.conftest import Make

FILES = {
    "price.py": "def discount(quantity):\n    if quantity > 10:\n        return 0.1\n    return 0.0\n",
    "tests/test_price.py": (
        "from price import discount\n\n\ndef test_few():\n    assert discount(9) == 0.0\n\n\n"
        "def test_boundary():\n    assert discount(10) == 0.1\n"
    ),
    "tests/test_around.py": """
import socket, subprocess, time

def test_address(): socket.create_connection(("192.0.2.1", 80), timeout=1)
def test_name(): socket.getaddrinfo("example.org", 80)
def test_program(): subprocess.run(["no-such-program"])
def test_slow_network():
    for _ in range(3):
        try:
            return socket.create_connection(("192.0.2.1", 80))
        except OSError as error:
            last = error
            time.sleep(1)
    raise last
""",
    "tests/test_extra.py": "import a_package_that_nobody_has\n\ndef test_extra(): pass\n",
}


async def test_a_fix_is_found_beside_failures_of_the_environment(project: Make) -> None:
    made = await project(FILES, test_command="python -m pytest -q --continue-on-collection-errors", test_timeout=30)
    baseline = await made.test()
    assert baseline.failing == ("tests/test_price.py::test_boundary",)
    assert {failure.test.rpartition("::")[2]: failure.cause for failure in baseline.known} == {
        "test_address": "it needs the network, which the sandbox does not have",
        "test_name": "it needs the network, which the sandbox does not have",
        "test_slow_network": "it needs the network, which the sandbox does not have",
        "test_program": "the program no-such-program is not installed",
        "tests/test_extra.py": "the package a_package_that_nobody_has is not installed",
    }
    right, wrong = [await made.change("price.py", "> 10", new) for new in (">= 10", "> 5")]
    trial = await made.attempt(baseline.results, [wrong, right])
    assert (trial.index, trial.report.passed, trial.passing) == (1, True, 1)
    spectrum = await made.cover(baseline.results)
    assert [test.id for test in spectrum.tests if test.is_target] == ["tests/test_price.py::test_boundary"]

    fixed = await project(
        {**FILES, "price.py": FILES["price.py"].replace("> 10", ">= 10")}, test_command=made.spec.test_command
    )
    verified = await fixed.test(baseline.results)
    assert (verified.passed, verified.known_count) == (True, 5)
    broken = await project(
        {**FILES, "price.py": FILES["price.py"].replace("> 10", "> 8")}, test_command=made.spec.test_command
    )
    trial = await broken.attempt(baseline.results, [await broken.change("price.py", "> 8", "> 7")])
    assert trial.report.failing == ("tests/test_price.py::test_few",)


async def test_another_runner_tells_its_failures_of_the_environment_too(project: Make) -> None:
    files = {
        "price.py": FILES["price.py"],
        "test_price.py": "import unittest\nfrom price import discount\nclass Price(unittest.TestCase):\n"
        "    def test_boundary(self): self.assertEqual(discount(10), 0.1)\n",
        "test_extra.py": "import a_package_that_nobody_has\n",
    }
    made = await project(files, test_command="python -m unittest")
    baseline = await made.test()
    assert [name.rpartition(".")[2] for name in baseline.failing] == ["test_boundary"]
    assert [failure.cause for failure in baseline.known] == ["the package a_package_that_nobody_has is not installed"]
    trial = await made.attempt(baseline.results, [await made.change("price.py", "> 10", ">= 10")])
    assert trial.report.passed


async def test_a_base_on_which_only_the_environment_fails_has_no_target(project: Make) -> None:
    made = await project({"tests/test_extra.py": FILES["tests/test_extra.py"], "price.py": FILES["price.py"]})
    report = await made.test()
    assert (report.passed, report.failing, report.known_count) == (True, (), 1)
