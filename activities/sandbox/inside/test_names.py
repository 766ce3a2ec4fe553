"""Names of tests, and what they tell about others."""

from __future__ import annotations

_CLASS_FIXTURES = ("setUpClass", "tearDownClass")
_MODULE_FIXTURES = ("setUpModule", "tearDownModule")


def file_of(test: str) -> str:
    """Return the file part of a test's id."""
    return test.split("::", 1)[0]


def list_implied(test: str) -> set[str]:
    """Return what stands for a failure around a test, and has passed when the test has.

    That is a file or module that could not be loaded, and for unittest a set-up of the test's class or module.
    """
    if "::" in test:
        return {file_of(test)}
    parts = test.split(".")
    modules = [".".join(parts[:end]) for end in range(1, len(parts))]
    fixtures = {f"{modules[-1]}.{name}" for name in _CLASS_FIXTURES} if modules else set()
    if len(modules) > 1:
        fixtures |= {f"{modules[-2]}.{name}" for name in _MODULE_FIXTURES}
    return {test, *modules, *fixtures}
