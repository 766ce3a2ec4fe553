"""Test ids, tracebacks and issues, as they are written."""

import pytest

from activities.code import mentions
from hydranet.convergence.frames import Frame
from hydranet.text.code_names import find_named_symbols

PATHS = {
    *("shop/cart.py", "tests/test_cart.py", "decoder.py", "checks/__init__.py", "services/billing/tests/test_bill.py"),
    *("a/tests/test_both.py", "b/tests/test_both.py"),
}

TRACEBACK = """
tests/test_cart.py:8: in test_total
    assert total([1]) == 1
shop/cart.py:3: in total
    return helper(prices)
  File "/somewhere/work/shop/cart.py", line 9, in helper
  File "/usr/lib/python3/site-packages/json/decoder.py", line 4, in decode
  File "<string>", line 1
E   shop/cart.py:77 is no frame
"""


def test_frames_are_those_inside_the_repository() -> None:
    assert mentions.resolve_frames(TRACEBACK, PATHS) == [
        Frame("tests/test_cart.py", "test_total", line=8),
        Frame("shop/cart.py", "total", line=3),
        Frame("shop/cart.py", "helper", line=9),
    ]


@pytest.mark.parametrize(
    "line",
    [
        '  File "shop/cart.py", line 3, in total',
        'E     File "/tmp/x/shop/cart.py", line 3, in total',
        '> File "shop\\cart.py", line 3, in total',
        "shop/cart.py:3: in total",
        "    ./shop/cart.py:3: in total",
    ],
)
def test_a_frame_is_known_however_it_is_printed(line: str) -> None:
    assert mentions.resolve_frames(line, PATHS) == [Frame("shop/cart.py", "total", line=3)]


@pytest.mark.parametrize(
    ("test_id", "file", "function"),
    [
        ("tests/test_cart.py::test_total[a::b.c]", "tests/test_cart.py", "test_total"),
        ("tests/test_cart.py::TestCart::test_total", "tests/test_cart.py", "TestCart.test_total"),
        ("tests.test_cart.TestCart.test_total", "tests/test_cart.py", "TestCart.test_total"),
        ("tests.test_cart.test_total", "tests/test_cart.py", "test_total"),
        ("make test", None, "make test"),
        ("checks.TestAll.test_all", "checks/__init__.py", "TestAll.test_all"),
        ("tests.test_bill.TestBill.test_sum", "services/billing/tests/test_bill.py", "TestBill.test_sum"),
        ("test_bill.TestBill.test_sum", "services/billing/tests/test_bill.py", "TestBill.test_sum"),
        ("test_both.TestBoth.test_sum", None, "TestBoth.test_sum"),
        ("../outside.py::test", None, "test"),
    ],
)
def test_a_test_id_names_its_file_and_function(test_id: str, file: str | None, function: str) -> None:
    assert mentions.find_test_file(test_id, PATHS) == file
    assert mentions.name_test_function(test_id) == function


def test_an_issue_names_files_and_symbols() -> None:
    issue = (
        "In ./shop/cart.py and `tests/test_cart.py`, calling apply(x) or `Cart.total` breaks get_user in HTTPServer."
    )
    assert mentions.find_named_files(issue, PATHS) == ["shop/cart.py", "tests/test_cart.py"]
    assert {"apply", "Cart", "total", "get_user"} <= find_named_symbols(issue)
    assert "calling" not in find_named_symbols(issue)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("shop/cart.py", "shop/cart.py"),
        ("./shop/cart.py", "shop/cart.py"),
        ("/tmp/x/shop/cart.py", "shop/cart.py"),
        ("C:\\x\\shop\\cart.py", "shop/cart.py"),
        ("/usr/lib/python3.11/json/encoder.py", None),
        ("", None),
    ],
)
def test_a_traceback_path_is_matched_to_the_repository(path: str, meant: str | None) -> None:
    assert mentions.resolve_path(path, PATHS) == meant


STACK = """\
TypeError: Cannot read properties of undefined (reading 'id')
    at Auth.login (/work/src/auth.ts:47:18)
    at async handle (file:///work/src/server.ts:12:5)
    at new Session (src/session.ts:3:1)
    at processTicksAndRejections (node:internal/process/task_queues:95:5)
    at /work/node_modules/express/lib/router.js:5:1
"""


def test_the_frames_of_node_end_with_the_deepest_call() -> None:
    paths = {"src/auth.ts", "src/server.ts", "src/session.ts"}
    assert [(frame.path, frame.function, frame.line) for frame in mentions.resolve_frames(STACK, paths)] == [
        ("src/session.ts", "Session", 3),
        ("src/server.ts", "handle", 12),
        ("src/auth.ts", "login", 47),
    ]


@pytest.mark.parametrize(
    ("issue", "lines"),
    [
        ("TypeError in auth.ts:47", [("src/auth.ts", 47)]),
        ("See `src/db/index.js:3:9` and ./src/auth.ts:1.", [("src/db/index.js", 3), ("src/auth.ts", 1)]),
        ("users.sql:2 says so, shop/cart.py:5 too", [("sql/users.sql", 2), ("shop/cart.py", 5)]),
        ("index.js:3 could be two files, auth.ts: 4 no line", []),
        (STACK, []),
    ],
)
def test_a_line_that_an_issue_names_is_found(issue: str, lines: list[tuple[str, int]]) -> None:
    paths = {"src/auth.ts", "src/db/index.js", "src/index.js", "sql/users.sql", "shop/cart.py"}
    assert mentions.find_named_lines(issue, paths) == lines
