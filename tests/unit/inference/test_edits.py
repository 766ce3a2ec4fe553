"""Whatever form an answer has, it becomes new sources or a refusal that says why."""

import ast
import random

import pytest

from activities.inference.edits import FORMATS, EditTarget, UnchangedError, apply_edit, find_named_paths
from activities.inference.edits.blocks import parse_blocks
from hydranet.errors import PatchError

CART = '''"""A cart."""

import math

TAX = 0.1


class Item:
    def total(self):
        return 0


class Cart:
    """Holds prices."""

    def __init__(self, prices):
        self.prices = prices

    @property
    @math_checked
    def total(self):
        """The sum of all prices."""
        result = 0
        for price in self.prices:
            result -= price
        return result

    @total.setter
    def total(self, value):
        self.prices = [value]

    def count(self):
        return len(self.prices) + 1


def mean(prices):
    return sum(prices) / 2


def largest(prices):
    return min(prices)
'''
SOURCES = {"shop/cart.py": CART, "shop/other.py": "def mean(values):\n    return 0\n"}


def edit(
    answer: str, *symbols: str, sources: dict[str, str] = SOURCES, files: tuple[str, ...] = ("shop/cart.py",)
) -> str:
    """The new text of the one file that changes."""
    (source,) = apply_edit(answer, sources, EditTarget(files, symbols)).values()
    return source


def python(code: str) -> str:
    return f"```python\n{code}\n```"


BLOCK = "<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE\n"
MEAN = "def mean(prices):\n    return sum(prices) / len(prices)"
FIXED = CART.replace("sum(prices) / 2", "sum(prices) / len(prices)")


@pytest.mark.parametrize(
    "answer",
    [
        python(MEAN),
        f"Here is the fix:\n\n{python(MEAN)}\n\nNow it divides by the count.",
        f"````\n{MEAN}\n````",
        f"~~~py\n{MEAN}\n~~~",
        MEAN,
        f"The function should be:\n{MEAN}",
        python("    " + MEAN.replace("\n", "\n    ")),
        python(MEAN.replace("    ", "\t")),
        python(f"{MEAN}\n\nprint(mean([1, 2]))\nassert mean([2]) == 2"),
        python(f"import math\n\n{MEAN}\n\ndef test_mean():\n    assert mean([1]) == 1"),
        python(CART.partition("def mean")[1] + CART.partition("def mean")[2]) + "\nFixed:\n" + python(MEAN),
        python(MEAN) + "\nIt was:\n" + python("def mean(prices):\n    return sum(prices) / 2"),
        python(f"# shop/cart.py\n{FIXED}"),
        f"```python shop/cart.py\n{FIXED}```",
        "<<<<<<< SEARCH\n    return sum(prices) / 2\n=======\n    return sum(prices) / len(prices)\n>>>>>>> REPLACE",
        "shop/cart.py\n```\n" + BLOCK.format("return sum(prices) / 2", "return sum(prices) / len(prices)") + "```",
        "<<<<<<< shop/cart.py:9\nreturn sum(prices) / 2\n======= line 9\nreturn sum(prices) / len(prices)\n>>>>>>>",
        "```diff\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -99,3 +99,3 @@\n def mean(prices):\n"
        "-    return sum(prices) / 2\n+    return sum(prices) / len(prices)\n \n```",
        "@@ ... @@\n-return sum(prices) / 2\n+return sum(prices) / len(prices)",
    ],
)
def test_every_form_of_the_same_change_is_understood(answer: str) -> None:
    assert edit(answer, "mean") == FIXED


def test_a_method_keeps_its_place_decorators_and_docstring() -> None:
    answer = python("def total(self):\n    return sum(self.prices)")
    with pytest.raises(PatchError, match="does not say which"):
        edit(answer, "Cart.total")
    answer = python("@property\n@math_checked\ndef total(self):\n    return sum(self.prices)")
    changed = edit(answer, "Cart.total")
    old = CART[CART.index("        result = 0") : CART.index("    @total.setter")]
    assert changed == CART.replace(old, "        return sum(self.prices)\n\n")


def test_decorators_that_are_left_out_stay() -> None:
    source = "class A:\n    @cached\n    def f(self):\n        return 1\n"
    changed = edit("def f(self):\n    return 2", sources={"a.py": source})
    assert changed == source.replace("1", "2")


def test_a_class_with_some_of_its_methods_changes_these_alone() -> None:
    answer = python(
        "class Cart:\n    def count(self):\n        return len(self.prices)\n\n"
        "    def empty(self):\n        return not self.prices"
    )
    changed = edit(answer)
    assert "len(self.prices) + 1" not in changed
    assert "    def empty(self):\n        return not self.prices\n" in changed
    assert changed.count("def total") == CART.count("def total")
    names = [node.name for node in ast.parse(changed).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert names == ["Item", "Cart", "mean", "largest"]


def test_needed_helpers_and_imports_come_along() -> None:
    answer = python(
        "import statistics\nimport os\n\ndef _count(x):\n    return len(x)\n\n"
        "def mean(prices):\n    return statistics.mean(prices) if _count(prices) else 0"
    )
    changed = edit(answer, "mean")
    assert "import math\nimport statistics\n" in changed
    assert "import os" not in changed
    assert "def _count(x):\n    return len(x)\n\n\ndef mean(prices):\n" in changed


def test_an_import_comes_along_where_the_function_had_its_own() -> None:
    source = "def f(x):\n    import math\n\n    return math.sqrt(x)\n"
    changed = edit("import math\n\ndef f(x):\n    return math.cbrt(x)", sources={"a.py": source})
    assert changed == "import math\n\n\ndef f(x):\n    return math.cbrt(x)\n"


def test_an_import_that_the_function_has_itself_does_not_come_along() -> None:
    source = "def f(x):\n    import math\n\n    return math.sqrt(x)\n"
    answer = "import math\n\ndef f(x):\n    import math\n\n    return math.cbrt(x)"
    assert edit(answer, sources={"a.py": source}) == source.replace("sqrt", "cbrt")


def test_a_first_import_stands_apart() -> None:
    changed = edit("import math\ndef f(x):\n    return math.sqrt(x)", sources={"a.py": "def f(x):\n    return x\n"})
    assert changed == "import math\n\n\ndef f(x):\n    return math.sqrt(x)\n"


def test_the_symbols_aimed_at_decide_between_equal_names() -> None:
    answer = python("def mean(values):\n    return 1")
    assert apply_edit(answer, SOURCES, EditTarget(("shop/other.py",), ("mean",))).keys() == {"shop/other.py"}
    with pytest.raises(PatchError, match="several files"):
        apply_edit(answer, SOURCES, EditTarget())


def test_tabs_and_line_ends_stay_as_they_are() -> None:
    tabs = "class A:\n\tdef f(self):\n\t\tif self:\n\t\t\treturn 1\n"
    changed = edit("def f(self):\n    if self:\n        return 2", sources={"a.py": tabs})
    assert changed == tabs.replace("1", "2")
    dos = CART.replace("\n", "\r\n")
    assert edit(python(MEAN), sources={"shop/cart.py": dos}) == FIXED.replace("\n", "\r\n")


def test_a_source_for_another_python_is_judged_by_its_own_grammar() -> None:
    old = "def f():\n    print 'a'\n"
    assert edit("def f():\n    print 'b'", sources={"a.py": old}) == old.replace("a'", "b'")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "holds no code"),
        ("I would divide by the length.", "holds no code"),
        (python("print(1)"), "holds no code"),
        (python("def unknown():\n    return 1"), "unknown, which is in none"),
        (python("def mean(prices):\n    return sum(prices) / 2"), "as it was"),
        (python("def mean(prices):\n    return (sum(prices)"), "Invalid syntax .*never closed"),
        (python("def mean(prices):\n    for p in prices\n        p\n    return 1"), "Invalid syntax"),
        (python("def mean(prices):\nreturn 1"), "Invalid syntax .*indented block"),
        (python("def mean(prices):\n    if prices:\n    return 1"), "Invalid syntax"),
        (python("def mean(prices):\n    # ... rest of the code unchanged\n    return 1"), "leaves out parts"),
        ("<<<<<<< SEARCH\nreturn nothing\n=======\nreturn 1\n>>>>>>> REPLACE", "not in shop/cart.py: return nothing"),
        ("<<<<<<< SEARCH\nreturn 1", "not complete"),
        ("<<<<<<< SEARCH\n\n=======\nreturn 1\n>>>>>>> REPLACE", "does not say which lines"),
        ("shop/cart.py\n<<<<<<< SEARCH\n    def total(self\n=======\nx\n>>>>>>> REPLACE", "not in shop/cart.py"),
        ("@@ -1 +1 @@\n-no such line\n+x", "not in"),
        ("<<<<<<< SEARCH\n        return x\n=======\n>>>>>>> REPLACE", "not in"),
    ],
)
def test_what_cannot_be_used_says_why(answer: str, reason: str) -> None:
    with pytest.raises(PatchError, match=reason):
        apply_edit(answer, SOURCES, EditTarget(("shop/cart.py",), ("mean",)))


def test_a_diff_without_a_change_is_an_unchanged_answer() -> None:
    answer = "```diff\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n def f():\n     return 1\n```"
    with pytest.raises(UnchangedError):
        apply_edit(answer, {"a.py": "def f():\n    return 1\n"}, EditTarget())


def test_an_unchanged_answer_is_told_apart() -> None:
    with pytest.raises(UnchangedError):
        apply_edit(python(CART), SOURCES, EditTarget(("shop/cart.py",), ("mean",)))


@pytest.mark.parametrize(
    "rewritten",
    [
        "def f(x):\n    # Now it is right.\n    return x + 1\n",
        'def f(x):\n    """Add one."""\n\n    return x + 1\n',
        "def f( x ):\n    return x+1  # fixed\n",
    ],
)
def test_an_answer_that_changes_no_code_is_an_unchanged_one(rewritten: str) -> None:
    with pytest.raises(UnchangedError):
        apply_edit(python(rewritten), {"a.py": "def f(x):\n    return x + 1\n"}, EditTarget(("a.py",), ("f",)))


def test_several_equal_places_are_not_guessed_at_without_a_line() -> None:
    sources = {"a.py": "x = 1\ny = 2\nx = 1\n"}
    with pytest.raises(PatchError, match="2 times"):
        apply_edit("<<<<<<< SEARCH\nx = 1\n=======\nx = 3\n>>>>>>> REPLACE", sources, EditTarget())
    assert edit("--- a/a.py\n+++ b/a.py\n@@ -3 +3 @@\n-x = 1\n+x = 3", sources=sources) == "x = 1\ny = 2\nx = 3\n"


def test_several_blocks_and_files_change_together() -> None:
    tax, mean = BLOCK.format("TAX = 0.1", "TAX = 0.2"), BLOCK.format("    return 0", "    return 1")
    answer = f"shop/cart.py\n{tax}shop/other.py\n{mean}"
    changed = apply_edit(answer, SOURCES, EditTarget())
    assert changed["shop/cart.py"] == CART.replace("0.1", "0.2")
    assert changed["shop/other.py"] == SOURCES["shop/other.py"].replace("0", "1")


def test_an_answer_cut_off_within_its_code_is_refused() -> None:
    cut = "```python\ndef mean(prices):\n    total = sum(prices)\n"
    with pytest.raises(PatchError, match="cut off"):
        apply_edit(cut, SOURCES, EditTarget(("shop/cart.py",)), truncated=True)
    assert apply_edit(python(MEAN) + "\nAnd so", SOURCES, EditTarget(("shop/cart.py",)), truncated=True)


def test_a_removed_line_may_look_like_a_header() -> None:
    sources = {"a.lua": "-- one\n-- two\n"}
    answer = "--- a/a.lua\n+++ b/a.lua\n@@ -1,2 +1,2 @@\n--- one\n+-- three\n -- two\n"
    assert edit(answer, sources=sources) == "-- three\n-- two\n"


def test_only_existing_files_are_named() -> None:
    answer = "--- a/shop/cart.py\n+++ b/shop/cart.py\nsee ./shop/other.py, ../../etc/passwd and /etc/hosts.py"
    assert find_named_paths(answer, set(SOURCES)) == ["shop/cart.py", "shop/other.py"]


def test_blocks_know_what_they_are_labelled_with() -> None:
    found = parse_blocks("In `shop/cart.py`:\n\n```python\na\n```\n\n```py other.py\nb")
    assert [(one.code, one.path(SOURCES), one.closed) for one in found] == [
        ("a", "shop/cart.py", True),
        ("b", "shop/other.py", False),
    ]


def test_mangled_answers_change_known_files_to_valid_code_or_nothing() -> None:
    answers = [
        python(MEAN),
        python(CART.replace("min", "max")),
        "shop/cart.py\n<<<<<<< SEARCH\nTAX = 0.1\n=======\nTAX = 0.2\n>>>>>>> REPLACE",
        "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -40 +40 @@\n-    return min(prices)\n+    return max(prices)\n",
    ]
    chance = random.Random(2)
    used = 0
    for number in range(1000):
        text = list(answers[number % len(answers)])
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(text) + 1)
            text[at : at + chance.randrange(6)] = chance.choices("`<>=@+- \n\t\0(é:#\"'adf../", k=chance.randrange(4))
        try:
            changed = apply_edit(
                "".join(text), SOURCES, EditTarget(("shop/cart.py",), ("mean",)), truncated=number % 3 == 0
            )
        except PatchError:
            continue
        used += 1
        assert changed.keys() <= SOURCES.keys()
        for source in changed.values():
            ast.parse(source)
    assert used > 50


def test_every_format_leaves_other_answers_to_the_others() -> None:
    for apply in FORMATS.values():
        assert apply("Just words.", SOURCES, EditTarget()) is None


def test_the_lines_that_stay_keep_their_own_ends() -> None:
    mixed = "import os\n\x0c\r\ndef mean(prices):\r\n    return sum(prices) / 2\n\r\nX = 'a\x0bb'\r\nY = 2"
    answer = "```python\ndef mean(prices):\n    n = len(prices)\n    return sum(prices) / n\n```"
    assert apply_edit(answer, {"a.py": mixed}, EditTarget())["a.py"] == (
        "import os\n\x0c\r\ndef mean(prices):\r\n    n = len(prices)\r\n    return sum(prices) / n\r\n\r\n"
        "X = 'a\x0bb'\r\nY = 2"
    )
    unix = mixed.replace("\r\n", "\n")
    assert "\r" not in apply_edit(answer, {"a.py": unix}, EditTarget())["a.py"]
