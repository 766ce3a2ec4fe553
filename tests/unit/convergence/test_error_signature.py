import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydranet.convergence.error_signature import ErrorClass, ErrorSignature, extract_signature, normalise

# --- Python -------------------------------------------------------------------------------------------------

LONG = """\
.F                                                                       [100%]
=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total():
>       assert Cart().total([1, 2]) == 3
               ^^^^^^^^^^^^^^^^^^^^

tests/test_calc.py:9:\x20
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _\x20
pkg/calc.py:17: in total
    return sum(inner(i) for i in items)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
pkg/calc.py:16: in inner
    return add(x, "1")
           ^^^^^^^^^^^
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _\x20

a = 1, b = '1'

    def add(a, b):
>       return a + b
               ^^^^^
E       TypeError: unsupported operand type(s) for +: 'int' and 'str'

pkg/calc.py:10: TypeError
------------------------------ Captured log call -------------------------------
ERROR    root:calc.py:44 failed
Traceback (most recent call last):
  File "/work/pkg/other.py", line 43, in elsewhere
    1/0
ZeroDivisionError: division by zero
_________________________________ test_twice __________________________________

    def test_twice():
>       raise KeyError("second")
E       KeyError: 'second'

tests/test_calc.py:20: KeyError
=========================== short test summary info ============================
FAILED tests/test_calc.py::test_total - TypeError: unsupported operand type(s...
FAILED tests/test_calc.py::test_twice - KeyError: 'second'
2 failed, 1 passed in 0.05s
"""
SHORT = """\
=================================== FAILURES ===================================
__________________________________ test_total __________________________________
tests/test_calc.py:9: in test_total
    assert Cart().total([1, 2]) == 3
pkg/calc.py:10: in add
    return a + b
           ^^^^^
E   TypeError: unsupported operand type(s) for +: 'int' and 'str'
=========================== short test summary info ============================
"""
NATIVE = """\
=================================== FAILURES ===================================
__________________________________ test_total __________________________________
Traceback (most recent call last):
  File "/usr/lib/python3.12/site-packages/_pytest/runner.py", line 361, in from_call
    result: TResult | None = func()
  File "/work/tests/test_calc.py", line 9, in test_total
    assert Cart().total([1, 2]) == 3
           ~~~~~~~~~~~~^^^^^^^^
  File "/work/pkg/calc.py", line 10, in add
    return a + b
           ~~^~~
TypeError: unsupported operand type(s) for +: 'int' and 'str'
=========================== short test summary info ============================
"""
UNITTEST = """\
.E
======================================================================
ERROR: test_total (tests.test_calc.TestCalc.test_total)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/work/tests/test_calc.py", line 38, in test_total
    add(1, "1")
  File "/work/pkg/calc.py", line 10, in add
    return a + b
           ~~^~~
TypeError: unsupported operand type(s) for +: 'int' and 'str'

======================================================================
FAIL: test_zero (tests.test_calc.TestCalc.test_zero)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/work/tests/test_calc.py", line 36, in test_zero
    self.assertEqual(add(1, 1), 3)
AssertionError: 2 != 3

----------------------------------------------------------------------
Ran 3 tests in 0.001s

FAILED (failures=1, errors=1)
"""
PLAIN = """\
starting
Traceback (most recent call last):
  File "/work/run.py", line 3, in <module>
    add(1, "1")
  File "/work/pkg/calc.py", line 10, in add
    return a + b
TypeError: unsupported operand type(s) for +: 'int' and 'str'
"""
ADD = ErrorSignature(
    type="TypeError",
    message="unsupported operand type(s) for +: 'int' and 'str'",
    file="pkg/calc.py",
    function="add",
    error_class=ErrorClass.TYPE,
)


@pytest.mark.parametrize("output", [LONG, SHORT, NATIVE, UNITTEST, PLAIN])
def test_every_style_gives_the_same_signature(output: str) -> None:
    assert extract_signature(output) == ADD
    assert extract_signature(output.replace("\n", "\r\n")) == ADD
    assert (
        extract_signature(f"\x1b[31m{output.replace('TypeError', chr(27) + '[1mTypeError' + chr(27) + '[0m')}") == ADD
    )


ASSERTION_LONG = """\
__________________________________ test_total __________________________________

items = [1, 2]

    def test_total(items):
        cart = Cart(items)
>       assert cart.total() == 4
E       assert 3 == 4
E        +  where 3 = total()

tests/test_cart.py:6: AssertionError
"""
ASSERTION_SHORT = """\
__________________________________ test_total __________________________________
tests/test_cart.py:6: in test_total
    assert cart.total() == 4
E   assert 3 == 4
"""
ASSERTION_NATIVE = """\
Traceback (most recent call last):
  File "/work/tests/test_cart.py", line 6, in test_total
    assert cart.total() == 4
AssertionError: assert 3 == 4
 +  where 3 = total()
"""


@pytest.mark.parametrize("output", [ASSERTION_LONG, ASSERTION_SHORT, ASSERTION_NATIVE])
def test_an_assertion_in_a_test_is_known_by_its_code(output: str) -> None:
    expected = ErrorSignature(
        type="AssertionError",
        message="assert cart.total() == 4",
        file="tests/test_cart.py",
        function="test_total",
        error_class=ErrorClass.ASSERTION,
    )
    assert extract_signature(output) == expected
    assert extract_signature(output.replace("3", "-17.25").replace(":6:", ":9:")) == expected
    assert extract_signature(output.replace("cart.total() == 4", "cart.count() == 1")) != expected


def test_an_assertion_in_the_code_is_known_by_its_message() -> None:
    output = ASSERTION_LONG.replace("tests/test_cart.py", "shop/cart.py").replace("def test_total", "def total")
    found = extract_signature(output)
    assert found is not None
    assert (found.message, found.file, found.function) == ("assert # == #", "shop/cart.py", "total")


CHAINED = """\
_________________________________ test_chained _________________________________

x = 'x'

    def lookup(x):
        try:
>           return {}["k"]
                   ^^^^^^^
E           KeyError: 'k'

pkg/calc.py:26: KeyError

The above exception was the direct cause of the following exception:

    def test_chained():
>       lookup("x")

tests/test_calc.py:15:\x20
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _\x20

x = 'x'

    def lookup(x):
        try:
            return {}["k"]
        except KeyError as error:
>           raise ValueError(f"bad value {x!r}") from error
E           ValueError: bad value 'x'

pkg/calc.py:28: ValueError
"""
CHAINED_PLAIN = """\
Traceback (most recent call last):
  File "/work/pkg/calc.py", line 26, in lookup
    return {}["k"]
KeyError: 'k'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/work/run.py", line 1, in <module>
  File "/work/pkg/calc.py", line 28, in lookup
    raise ValueError(f"bad value {x!r}") from error
ValueError: bad value 3
"""
COLLECTION = """\
==================================== ERRORS ====================================
______________________ ERROR collecting tests/test_imp.py ______________________
ImportError while importing test module '/work/tests/test_imp.py'.
Hint: make sure your test modules/packages have valid Python names.
Traceback:
/usr/lib/python3.12/importlib/__init__.py:90: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
tests/test_imp.py:1: in <module>
    from pkg import calc2
E   ImportError: cannot import name 'calc2' from 'pkg' (/work/pkg/__init__.py)
=========================== short test summary info ============================
ERROR tests/test_imp.py
"""
COLLECTION_SYNTAX = """\
______________________ ERROR collecting tests/test_syn.py ______________________
/usr/lib/python3.12/site-packages/_pytest/python.py:528: in importtestmodule
    mod = import_path(
<frozen importlib._bootstrap>:1204: in _gcd_import
    ???
tests/test_syn.py:1: in <module>
    from pkg import calc
E     File "/work/pkg/calc.py", line 3
E       price: float(item.price
E                   ^
E   SyntaxError: '(' was never closed
"""
SYNTAX = """\
Traceback (most recent call last):
  File "/work/run.py", line 1, in <module>
    from pkg import calc
  File "/work/pkg/calc.py", line 3
    def f(:
          ^
SyntaxError: invalid syntax
"""
UNITTEST_IMPORT = """\
E
======================================================================
ERROR: test_imp (unittest.loader._FailedTest.test_imp)
----------------------------------------------------------------------
ImportError: Failed to import test module: test_imp
Traceback (most recent call last):
  File "/usr/lib/python3.12/unittest/loader.py", line 162, in loadTestsFromName
    module = __import__(module_name)
  File "/work/tests/test_imp.py", line 1, in <module>
    import nothere
ModuleNotFoundError: No module named 'nothere'
"""
DOCTEST = """\
**********************************************************************
File "/work/pkg/calc.py", line 3, in calc.add
Failed example:
    add(1, 2)
Expected:
    4
Got:
    3
**********************************************************************
1 items had failures:
"""
DOCTEST_RAISES = """\
**********************************************************************
File "/work/pkg/calc.py", line 3, in calc.add
Failed example:
    add(1, None)
Exception raised:
    Traceback (most recent call last):
      File "/usr/lib/python3.12/doctest.py", line 1357, in __run
        exec(compile(example.source, filename, "single",
      File "/work/pkg/calc.py", line 10, in add
        return a + b
    TypeError: unsupported operand type(s) for +: 'int' and 'NoneType'
"""
PYTEST_DOCTEST = """\
______________________________ [doctest] pkg.calc ______________________________
001 Calc.
002\x20
003 >>> add(1, 2)
Expected:
    4
Got:
    3

/work/pkg/calc.py:3: DocTestFailure
"""
FIXTURE = """\
__________________________ ERROR at setup of test_fix __________________________
file /work/tests/test_calc.py, line 31
  def test_fix(nofixture):
E       fixture 'nofixture' not found
>       available fixtures: cache, capfd

/work/tests/test_calc.py:31
"""
GROUP = """\
__________________________________ test_group __________________________________
  + Exception Group Traceback (most recent call last):
  |   File "/work/tests/test_calc.py", line 47, in test_group
  |     raise ExceptionGroup("eg", [ValueError("a"), TypeError("b")])
  | ExceptionGroup: eg (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: a
    +------------------------------------
"""
NOT_RAISED = """\
_________________________________ test_raises __________________________________

    def test_raises():
>       with pytest.raises(ValueError):
E       Failed: DID NOT RAISE ValueError

tests/test_calc.py:21: Failed
"""
LIBRARY = """\
_________________________________ test_load ____________________________________
tests/test_calc.py:12: in test_load
    load("{")
pkg/calc.py:21: in load
    return json.loads(text)
../usr/lib/python3.12/json/__init__.py:346: in loads
    return _default_decoder.decode(s)
.venv/lib/python3.12/site-packages/fast/decoder.py:353: in raw_decode
    obj, end = self.scan_once(s, idx)
E   json.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1)
"""
TB_LINE = """\
=================================== FAILURES ===================================
E   TypeError: unsupported operand type(s) for +: 'int' and 'str'
/work/pkg/calc.py:10: TypeError: unsupported operand type(s) for +: 'int' and 'str'
E   KeyError: 'second'
/work/tests/test_calc.py:20: KeyError: 'second'
"""
SUMMARY = """\
F                                                                        [100%]
=========================== short test summary info ============================
FAILED tests/test_calc.py::TestU::test_err - TypeError: unsupported operand t...
1 failed in 0.05s
"""
TWO_SCRIPTS = """\
Traceback (most recent call last):
  File "/work/first.py", line 1, in go
    1/0
ZeroDivisionError: division by zero
ignored, going on
Traceback (most recent call last):
  File "/work/second.py", line 1, in go
    {}["k"]
pkg.errors.Missing: k
"""
ELSEWHERE = """\
Traceback (most recent call last):
  File "/home/someone/project/shop/cart.py", line 47, in total
    return a + b
TypeError: bad
"""
A, S, M, R, T, X = (
    ErrorClass.ASSERTION,
    ErrorClass.SYNTAX,
    ErrorClass.IMPORT,
    ErrorClass.RUNTIME,
    ErrorClass.TYPE,
    ErrorClass.RESOURCE,
)
PYTHON = {
    "chained": (CHAINED, "ValueError", "bad value #", "pkg/calc.py", "lookup", R),
    "chained, plain": (CHAINED_PLAIN, "ValueError", "bad value #", "pkg/calc.py", "lookup", R),
    "collection": (
        COLLECTION,
        "ImportError",
        "cannot import name 'calc2' from 'pkg' (pkg/__init__.py)",
        "tests/test_imp.py",
        "<module>",
        M,
    ),
    "collection, syntax": (COLLECTION_SYNTAX, "SyntaxError", "# was never closed", "pkg/calc.py", "", S),
    "syntax": (SYNTAX, "SyntaxError", "invalid syntax", "pkg/calc.py", "", S),
    "unittest import": (
        UNITTEST_IMPORT,
        "ModuleNotFoundError",
        "No module named 'nothere'",
        "tests/test_imp.py",
        "<module>",
        M,
    ),
    "doctest": (DOCTEST, "DocTestFailure", "add(1, 2)", "pkg/calc.py", "calc.add", A),
    "doctest that raises": (
        DOCTEST_RAISES,
        "TypeError",
        "unsupported operand type(s) for +: 'int' and 'NoneType'",
        "pkg/calc.py",
        "add",
        T,
    ),
    "doctest in pytest": (PYTEST_DOCTEST, "DocTestFailure", "add(1, 2)", "pkg/calc.py", "", A),
    "fixture": (FIXTURE, "Error", "fixture 'nofixture' not found", "", "", ErrorClass.UNKNOWN),
    "group": (GROUP, "ExceptionGroup", "eg (# sub-exceptions)", "tests/test_calc.py", "test_group", R),
    "not raised": (NOT_RAISED, "Failed", "with pytest.raises(ValueError):", "tests/test_calc.py", "test_raises", A),
    "library": (LIBRARY, "JSONDecodeError", "Expecting value: line # column # (char #)", "pkg/calc.py", "load", R),
    "line style": (TB_LINE, "TypeError", "unsupported operand type(s) for +: 'int' and 'str'", "pkg/calc.py", "", T),
    "summary only": (SUMMARY, "TypeError", "unsupported operand t...", "tests/test_calc.py", "test_err", T),
    "the last script": (TWO_SCRIPTS, "Missing", "k", "second.py", "go", R),
    "another root": (ELSEWHERE, "TypeError", "bad", "cart.py", "total", T),
    "one line": ("MemoryError", "MemoryError", "", "", "", X),
}


@pytest.mark.parametrize("expected", PYTHON.values(), ids=PYTHON)
def test_python(expected: tuple[str, str, str, str, str, ErrorClass]) -> None:
    output, *fields = expected
    found = extract_signature(output)
    assert found is not None
    assert found.matches(
        ErrorSignature(**dict(zip(("type", "message", "file", "function", "error_class"), fields, strict=True)))
    )


# --- ends from outside --------------------------------------------------------------------------------------

FAULT = """\
Fatal Python error: Segmentation fault

Current thread 0x00007f075c086b80 (most recent call first):
  File "/work/pkg/calc.py", line 519 in string_at
  File "<string>", line 1 in <module>
"""


@pytest.mark.parametrize(
    ("output", "kind", "error_class"),
    [
        ("tests/test_a.py .\nsandbox: timed out after 20 s\n", "Timeout", ErrorClass.TIMEOUT),
        ("timed out after 0.5 s", "Timeout", ErrorClass.TIMEOUT),
        (
            '+++++++++++++++++++ Timeout +++++++++++++++++++\n  File "/work/a.py", line 3, in f\n',
            "Timeout",
            ErrorClass.TIMEOUT,
        ),
        ("E   Failed: Timeout (>1.0s) from pytest-timeout.\n\ntests/test_a.py:3: Failed", "Failed", ErrorClass.TIMEOUT),
        ("E   TimeoutError: timed out after 20 s\n\npkg/a.py:3: TimeoutError", "TimeoutError", ErrorClass.TIMEOUT),
        (FAULT, "FatalError", R),
        ("run.sh: line 3: 12345 Segmentation fault      (core dumped) python -m pytest", "SegmentationFault", R),
        ("the test process was killed by SIGKILL", "SIGKILL", X),
        ("....\nKilled\n", "Killed", X),
        ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "OutOfMemory", X),
        ("OSError: [Errno 28] No space left on device", "OSError", X),
    ],
)
def test_time_limits_crashes_and_kills(output: str, kind: str, error_class: ErrorClass) -> None:
    found = extract_signature(output)
    assert found is not None
    assert (found.type, found.error_class) == (kind, error_class)


def test_a_time_limit_says_nothing_about_how_long() -> None:
    assert extract_signature("timed out after 20 s") == extract_signature("hydra: timed out after 300.5 s")


@pytest.mark.parametrize(
    "output",
    [
        "",
        "  \n\n",
        "3 passed in 0.12s",
        "== 3 passed, 1 skipped in 2s ==",
        "Ran 3 tests\n\nOK",
        "ok  \tshop\t0.1s",
        "Tests:       5 passed, 5 total\nTime:        1.2 s\nRan all test suites.",
        " Test Files  1 passed (1)\n      Tests  3 passed (3)\n   Duration  200ms",
        "  5 passing (12ms)\n  1 pending",
        "# tests 3\n# pass 3\n# fail 0\n# cancelled 0\n# duration_ms 10.3",
        "test result: ok. 3 passed; 0 failed; 0 ignored\n\n   Doc-tests shop",
    ],
)
def test_no_error_has_no_signature(output: str) -> None:
    assert extract_signature(output) is None


@pytest.mark.parametrize(
    "output",
    [
        "5 passed, 1 error in 3s",
        "  4 passing (3ms)\n  1 failing",
        "test result: ok. 1 passed\ntest result: FAILED. 1 passed; 1 failed",
        "Tests:  1 failed, 5 passed, 6 total\nRan all test suites.",
        "Tests:  5 passed, 5 total\nJest: global coverage threshold failed: 79%",
    ],
)
def test_a_run_that_did_not_pass_as_a_whole_has_a_signature(output: str) -> None:
    assert extract_signature(output) is not None


def test_names_that_a_message_quotes_are_kept_beside_it() -> None:
    found = extract_signature("ValidationError: 'image' is a required property of \"app-1\", not '3'")
    assert found is not None
    assert (found.message, found.named) == ("# is a required property of #, not #", ("image", "app-1"))
    other = extract_signature("ValidationError: 'name' is a required property of \"app-2\", not 'x'")
    assert other is not None
    assert found != other
    assert found.matches(other)


def test_the_first_failing_test_is_the_first_by_name() -> None:
    first, second = LONG.split("_________________________________ test_twice")
    head, report = first.split("__________________________________ test_total")
    body, tail = second.split("=========================== short test summary")
    shuffled = (
        f"{head}_________________________________ test_twice{body}"
        f"__________________________________ test_total{report}=========================== short test summary{tail}"
    )
    assert extract_signature(shuffled) == extract_signature(LONG) == ADD


def test_a_footer_is_not_the_error() -> None:
    rust = (
        "test parse ... FAILED\n\nthread 'parse' panicked at src/lib.rs:{line}:9:\n{message}\n\n"
        "error: test failed, to rerun pass `--lib`\n"
    )
    one = extract_signature(rust.format(line=4, message="index out of bounds"))
    assert one == extract_signature(rust.format(line=7, message="index out of bounds"))
    assert one != extract_signature(rust.format(line=4, message="called unwrap on None"))


def test_other_text_is_an_unknown_error() -> None:
    found = extract_signature("make: *** [check] Error 2\nleaving directory\n")
    assert found == ErrorSignature(type="Unknown", message="make: *** [check] Error # leaving directory")


# --- Node and Go --------------------------------------------------------------------------------------------

NODE = """\
/work/src/cart.js:1
function total(items) { return items.map(i => i.price.value) }
                                                      ^

TypeError: Cannot read properties of undefined (reading 'value')
    at /work/src/cart.js:1:54
    at Array.map (<anonymous>)
    at total (/work/src/cart.js:1:37)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)

Node.js v20.20.2
"""
NODE_MODULE = """\
node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module './nope'
Require stack:
- /work/src/b.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
    at require (node:internal/modules/helpers:182:18)
    at load (/work/src/b.js:1:1)
"""
NODE_SYNTAX = """\
/work/src/c.js:1
let x = (;
         ^

SyntaxError: Unexpected end of input
    at wrapSafe (node:internal/modules/cjs/loader:1464:18)
"""
NODE_TAP = """\
TAP version 13
# Subtest: total
not ok 1 - total
  ---
  duration_ms: 8.546918
  location: '/work/test/a.test.js:2:1'
  error: |-
    Expected values to be strictly equal:

    1 !== 2

  code: 'ERR_ASSERTION'
  name: 'AssertionError'
  stack: |-
    TestContext.<anonymous> (/work/test/a.test.js:2:28)
    Test.run (node:internal/test_runner/test:796:25)
  ...
"""
NODE_SPEC = """\
✖ failing tests:

test at a.test.js:2:1
✖ total (17.464147ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  1 !== 2

      at TestContext.<anonymous> (/work/test/a.test.js:2:28)
      at Test.run (node:internal/test_runner/test:796:25) {
    code: 'ERR_ASSERTION'
  }
"""
JEST = """\
FAIL src/add.test.js
  ✕ adds numbers (3 ms)

  ● adds numbers

    expect(received).toBe(expected) // Object.is equality

    Expected: 4
    Received: 3

      3 | test('adds', () => {
    > 4 |   expect(add(1, 2)).toBe(4);
        |                     ^
      5 | });

      at Object.toBe (src/add.test.js:4:21)

  ● maps

    TypeError: Cannot read properties of undefined (reading 'price')

      at total (src/cart.js:2:30)
"""
MOCHA = """\
  1 failing

  1) cart
       totals:
     TypeError: Cannot read properties of undefined (reading 'price')
      at price (src/cart.js:3:21)
      at Context.<anonymous> (test/cart.js:9:3)
"""
GO_PANIC = """\
--- FAIL: TestTotal (0.00s)
panic: runtime error: index out of range [5] with length 3 [recovered]
	panic: runtime error: index out of range [5] with length 3

goroutine 6 [running]:
testing.tRunner.func1.2({0x1014c, 0xc0000b6000})
	/usr/local/go/src/testing/testing.go:1632 +0x230
panic({0x1014c0?, 0xc0000b6000?})
	/usr/local/go/src/runtime/panic.go:785 +0x132
example.com/shop/cart.(*Cart).Total(...)
	/work/cart/cart.go:12
example.com/shop/cart.TestTotal(0xc0000b21a0)
	/work/cart/cart_test.go:9 +0x1d
FAIL	example.com/shop/cart	0.005s
"""
GO_TEST = """\
--- FAIL: TestTotal (0.00s)
    cart_test.go:12: got 3, want 4
FAIL
FAIL	example.com/shop/cart	0.002s
"""
GO_BUILD = """\
# example.com/shop/cart
cart/cart.go:5:2: undefined: totl
FAIL	example.com/shop/cart [build failed]
"""
UNDEFINED = "Cannot read properties of undefined (reading {!r})"
OTHERS = {
    "node": (NODE, "TypeError", UNDEFINED.format("value"), "src/cart.js", "", T),
    "node module": (NODE_MODULE, "Error", "Cannot find module './nope'", "src/b.js", "load", M),
    "node syntax": (NODE_SYNTAX, "SyntaxError", "Unexpected end of input", "src/c.js", "", S),
    "node tap": (NODE_TAP, "AssertionError", "Expected values to be strictly equal:", "test/a.test.js", "total", A),
    "node spec": (NODE_SPEC, "AssertionError", "Expected values to be strictly equal:", "test/a.test.js", "total", A),
    "jest": (
        JEST,
        "AssertionError",
        "expect(received).toBe(expected) // Object.is equality",
        "src/add.test.js",
        "adds numbers",
        A,
    ),
    "mocha": (MOCHA, "TypeError", UNDEFINED.format("price"), "src/cart.js", "price", T),
    "go panic": (GO_PANIC, "panic", "runtime error: index out of range # with length #", "cart/cart.go", "Total", R),
    "go test": (GO_TEST, "FAIL", "got #, want #", "cart_test.go", "TestTotal", A),
    "go build": (GO_BUILD, "BuildError", "undefined: totl", "cart/cart.go", "", S),
}


@pytest.mark.parametrize("expected", OTHERS.values(), ids=OTHERS)
def test_node_and_go(expected: tuple[str, str, str, str, str, ErrorClass]) -> None:
    output, *fields = expected
    found = extract_signature(output)
    assert found is not None
    assert [found.type, found.message, found.file, found.function, found.error_class] == fields


# --- normalise ----------------------------------------------------------------------------------------------

LEAD = "cannot combine the running total of the cart with the amount that its invoice line carries"
OPERANDS = "unsupported operand type(s) for +: 'int' and 'NoneType' while adding a line of the cart of customer"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 0.12s", "took 3.4 seconds"),
        ("at 2024-01-02 10:11:12", "at 2025-11-30T23:59:01.123Z"),
        ("Mon, 21 Nov 2025 10:00:00", "Tue, 02 Dec 2024 11:12:13"),
        ("<Foo object at 0x7f12ab>", "<Foo object at 0x55>"),
        ("no /tmp/pytest-of-root/pytest-3/a.txt", "no /var/folders/x/b.txt"),
        ("no C:\\Users\\a\\x.txt", "no C:\\Temp\\x.txt"),
        ("/work/pkg/a.py:12: bad", "/work/pkg/a.py:99:3: bad"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id 650e8400-e29b-41d4-a716-446655440fff"),
        ("session a8f3b2 lost, pid 12", "session 99ffee1 lost, pid 31337"),
        ("tmpab_12xyz is gone", "tmpq8w_e7rt is gone"),
        ("127.0.0.1:4312 refused", "10.0.0.1:99 refused"),
        ("http://localhost:1234/x failed", "https://example.org/y?z=1 failed"),
        ("could not convert string to float: 'abc'", 'could not convert string to float: "it\'s"'),
        ("assert [1, 2, 3] == []", "assert [4] == [1, 2, 'x']"),
        ("{'a': 1, 'b': [1, (2, 3)]} != {}", "{} != {'x': {'y': None or 1}}".replace("None or ", "")),
        ("got array([1, 2])", "got array([3])"),
        ("-3 < 0", "12.5e-7 < 0"),
        ("cut off 'in the mid", "cut off 'elsew"),
        ("no customer of the name 'alice'", "no customer of the name 'bob'"),
        ("on 3 March", "on 12 Dec"),
        (f"{LEAD}: 'alpha'", f"{LEAD}: 'bravo charlie'"),
        (f"{OPERANDS} 'alice'", f"{OPERANDS} 'bob'"),
    ],
)
def test_values_do_not_matter(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("name 'foo' is not defined", "name 'bar' is not defined"),
        ("'NoneType' object has no attribute 'split'", "'NoneType' object has no attribute 'strip'"),
        ("module 'a' has no attribute 'b'", "module 'a' has no attribute 'c'"),
        ("'int' object is not callable", "'int' object is not iterable"),
        ("'name'", "'email'"),
        ("No module named 'a.b'", "No module named 'a.c'"),
        ("cannot import name 'a' from 'm'", "cannot import name 'b' from 'm'"),
        ("unsupported operand type(s) for +: 'int' and 'str'", "unsupported operand type(s) for +: 'str' and 'int'"),
        ("f() got an unexpected keyword argument 'x'", "f() got an unexpected keyword argument 'y'"),
        ("f() missing 1 required positional argument: 'x'", "f() missing 1 required positional argument: 'y'"),
        ("cannot access local variable 'a' where", "cannot access local variable 'b' where"),
        ("Decoder 3 failed", "Marker 3 failed"),
        ("list index out of range", "string index out of range"),
        ("can't open it's end", "can't close it's end"),
        (f"{LEAD * 5} on paper", f"{LEAD * 5} on file"),
        ("/work/pkg/a.py is bad", "/work/pkg/b.py is bad"),
    ],
)
def test_names_and_words_do(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.text(max_size=400))
def test_normalise_is_bounded_and_settled(text: str) -> None:
    once = normalise(text)
    assert len(once) <= 300
    assert normalise(text) == once


# --- hostile output -----------------------------------------------------------------------------------------

PIECES = [
    *LONG.splitlines(),
    *GO_PANIC.splitlines(),
    *JEST.splitlines(),
    "E",
    "E   :",
    "> ",
    "\ud800",
    "\x1b[",
    "a.py:1: ",
    "x:1: in ",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=40))
def test_any_output_is_read(pieces: list[str]) -> None:
    found = extract_signature("\n".join(pieces))
    assert found is None or ErrorSignature.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    "line",
    [
        *("___ " * 250, "=" * 500 + " " * 499, 'File "' * 200, "   at " + "a " * 490, "   at " + "a" * 990, "a." * 490),
        *("E " + "x: " * 300, "a:1:" * 250, "  " + "a/" * 400 + "_test.go", " " * 990 + "x", " |" * 480, "● " * 480),
        *(
            "'\\" * 490,
            "[(" * 490,
            "1.1" * 330,
            "E   V: " + "'" * 900,
            "E   V: " + "/a" * 450,
            "\x1b]" * 490,
            "a\r" * 490,
        ),
    ],
)
def test_no_line_takes_a_pattern_long(line: str) -> None:
    # A pattern that backtracks would take hours over these.
    assert extract_signature(f"{line}\n" * 2000 + LONG) is not None


def test_of_long_output_the_ends_are_read() -> None:
    assert extract_signature(LONG + "noise\n" * 200_000) == ADD
    assert extract_signature("noise\n" * 200_000 + LONG) == ADD


@pytest.mark.parametrize(
    ("output", "line", "code"),
    [
        (
            "E     File \"/work/m.py\", line 47\nE       if x\nE           ^\nE   SyntaxError: expected ':'\n",
            47,
            "if x",
        ),
        ("  File \"/work/m.py\", line 8\n    y = (\n        ^\nSyntaxError: '(' was never closed\n", 8, "y = ("),
        ("Sorry: IndentationError: unexpected indent (m.py, line 47)", 47, ""),
        ("/work/m.js:12\n  const x = ;\n            ^\n\nSyntaxError: Unexpected token ';'\n", 12, "const x = ;"),
        ("# shop\n./cart.go:12:3: syntax error: unexpected newline\n", 12, ""),
        ('  File "/work/m.py", line 8, in f\n    return a + b\nTypeError: bad operand\n', 0, ""),
    ],
)
def test_only_a_syntax_error_keeps_its_place(output: str, line: int, code: str) -> None:
    found = extract_signature(output)
    assert found is not None
    assert (found.line, found.code) == (line, code)
    assert found.matches(found.model_copy(update={"line": 3, "code": "pass"}))
