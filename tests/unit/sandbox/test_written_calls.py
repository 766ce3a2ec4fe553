"""A call and what comes of it as Python that tests can say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from activities.sandbox.inside.written_calls import WrittenCall, write_call


@dataclass
class Cart:
    prices: list[int] = field(default_factory=list)

    def add(self, price: int) -> int:
        self.prices.append(price)
        return len(self.prices)

    def peek(self) -> int:
        return self.prices[-1]


class Opaque:
    """Equal to nothing but itself."""

    def __init__(self, count: int) -> None:
        self.count = count

    def grow(self) -> None:
        self.count += 1


def order(prices: list[int], extra: tuple[int, ...] = ()) -> None:
    prices.extend(extra)
    prices.sort()


def drain(prices: list[int]) -> Iterator[int]:
    while prices:
        yield prices.pop()


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of test files are not written, since tests do not import one another."""
    import sys
    import types

    module = types.ModuleType("shop_cart")
    module.__file__ = "/shop_cart.py"
    for thing in (Cart, Opaque, order, drain):
        monkeypatch.setattr(thing, "__module__", "shop_cart")
        setattr(module, thing.__name__, thing)
    for method in (Cart.add, Cart.peek, Opaque.grow):
        monkeypatch.setattr(method, "__module__", "shop_cart")
    monkeypatch.setitem(sys.modules, "shop_cart", module)


def run(written: WrittenCall) -> Any:
    line, _, check = written.check.partition("\n")
    names: dict[str, Any] = {}
    exec(f"{written.setup}\n{line}", names)
    return eval(check, names)


def test_an_object_that_its_method_changes_is_checked_with_the_result() -> None:
    written = write_call(Cart.add, [Cart([1]), 2], {})  # type: ignore[arg-type]
    assert written.call == "Cart([1]).add(2)"
    assert written.check == "cart = Cart([1])\n(cart.add(2), cart) == (2, Cart([1, 2]))"
    assert run(written)
    assert WrittenCall.parse(written.format()) == written


def test_an_argument_that_a_function_changes_is_checked() -> None:
    written = write_call(order, [[3, 1], (2,)], {})  # type: ignore[arg-type]
    assert written.check == "prices = [3, 1]\n(order(prices, (2,)), prices) == (None, [1, 2, 3])"
    assert run(written)


def test_what_does_not_change_or_is_equal_to_nothing_has_no_check() -> None:
    assert write_call(Cart.peek, [Cart([1])], {}).check == ""  # type: ignore[arg-type]
    assert write_call(Opaque.grow, [Opaque(1)], {}).check == ""  # type: ignore[arg-type]
    assert write_call(Opaque.grow, [Opaque(1)], {}).result == "None"  # type: ignore[arg-type]
    drained = write_call(drain, [[1, 2]], {})  # type: ignore[arg-type]
    assert (drained.call, drained.result, drained.check) == ("list(drain([1, 2]))", "[2, 1]", "")


def test_what_was_cut_is_empty() -> None:
    assert WrittenCall.parse('{"setup": "im') == WrittenCall() == WrittenCall.parse('{"other": 1}')
