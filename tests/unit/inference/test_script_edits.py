"""Answers in JavaScript and TypeScript become edits as those in Python do."""

import pytest

from activities.inference.edits import EditTarget, UnchangedError, Window, apply_edit
from hydranet.errors import PatchError

CART = """\
import { rate } from "./tax";

export class Cart {
  constructor(prices) {
    this.prices = prices;
  }

  total() {
    let result = 0;
    for (const price of this.prices) {
      result -= price;
    }
    return result;
  }
}

export const mean = (prices) => {
  return sum(prices) / 2;
};

function sum(prices) {
  return prices.reduce((a, b) => a + b, 0);
}
"""
SOURCES = {"shop/cart.js": CART}
FIXED_MEAN = CART.replace("sum(prices) / 2", "sum(prices) / prices.length")
FIXED_TOTAL = CART.replace("result -= price", "result += price")
TOTAL = """\
total() {
  let result = 0;
  for (const price of this.prices) {
    result += price;
  }
  return result;
}"""


def edit(answer: str, *symbols: str, window: Window | None = None) -> str:
    (source,) = apply_edit(answer, SOURCES, EditTarget(("shop/cart.js",), symbols, window)).values()
    return source


def javascript(code: str) -> str:
    return f"```javascript\n{code}\n```"


@pytest.mark.parametrize(
    "code",
    [
        "export const mean = (prices) => {\n  return sum(prices) / prices.length;\n};",
        "const mean = (prices) => {\n  return sum(prices) / prices.length;\n};",
        "// shop/cart.js\nconst mean = (prices) => {\n  return sum(prices) / prices.length;\n};",
    ],
)
def test_a_function_stays_exported(code: str) -> None:
    assert edit(javascript(code), "mean") == FIXED_MEAN


def test_a_method_stands_alone_or_in_its_class() -> None:
    assert edit(javascript(TOTAL), "Cart.total") == FIXED_TOTAL
    indented = "\n".join(f"  {line}" for line in TOTAL.split("\n"))
    assert edit(javascript(f"class Cart {{\n{indented}\n}}"), "Cart.total") == FIXED_TOTAL


def test_a_new_method_goes_into_the_class() -> None:
    count = "  count() {\n    return this.prices.length;\n  }"
    changed = edit(javascript(f"class Cart {{\n{count}\n}}"), "Cart")
    assert changed == CART.replace("    return result;\n  }\n}", f"    return result;\n  }}\n\n{count}\n}}")


def test_an_import_and_a_helper_come_along_where_they_are_used() -> None:
    code = (
        'import { rate, round } from "./tax";\n\nfunction half(value) {\n  return value / 2;\n}\n\n'
        "export const mean = (prices) => {\n  return round(half(sum(prices)));\n};"
    )
    changed = edit(javascript(code), "mean")
    assert changed.startswith('import { rate } from "./tax";\nimport { round } from "./tax";\n\nexport class Cart')
    assert "function half(value) {\n  return value / 2;\n}\n\n\nexport const mean" in changed


def test_lines_and_search_blocks_are_replaced() -> None:
    block = (
        "<<<<<<< SEARCH\n  return sum(prices) / 2;\n=======\n  return sum(prices) / prices.length;\n>>>>>>> REPLACE\n"
    )
    assert edit(block, "mean") == FIXED_MEAN
    hunk = javascript("  for (const price of this.prices) {\n    result += price;\n  }")
    assert edit(hunk, "Cart.total", window=Window("shop/cart.js", 10, 12)) == FIXED_TOTAL


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            javascript("function sum(prices) {\n  return prices.reduce((a, b) => a + b, 0;\n}"),
            r"Invalid syntax \(`\)` is missing\)",
        ),
        (
            "<<<<<<< SEARCH\n  return sum(prices) / 2;\n=======\n  return sum(prices / 2;\n>>>>>>> REPLACE\n",
            r"Invalid syntax in shop/cart\.js line 18, column 24 \(`\)` is missing\): return sum\(prices / 2;",
        ),
        (javascript("function sum(prices) {\n  // ... rest of the function\n}"), "leaves out parts of sum"),
        (javascript("function median(prices) {\n  return 0;\n}"), "defines median, which is in none"),
    ],
)
def test_a_refusal_says_where_and_why(answer: str, message: str) -> None:
    with pytest.raises(PatchError, match=message):
        edit(answer)


def test_a_comment_alone_is_no_change() -> None:
    with pytest.raises(UnchangedError):
        edit(javascript("function sum(prices) {\n  // Adds up.\n  return prices.reduce((a, b) => a + b, 0);\n}"))
