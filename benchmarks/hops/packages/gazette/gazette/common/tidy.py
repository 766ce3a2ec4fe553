"""Tidies up what functions return."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")


def tidied(function: Callable[P, str]) -> Callable[P, str]:
    """A function whose text comes without blanks at the ends and without doubled blanks."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> str:
        words = function(*args, **kwargs).split()
        return " ".join(word for word in words if not word.startswith("(") and not word.endswith(")"))

    return wrapper
