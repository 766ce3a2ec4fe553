"""Where a written test goes, and how it imports what it names."""

import pytest

from activities.code.expectations import read_expectation
from activities.code.test_writer import TestStyle
from activities.retrieval.index import build_index
from activities.retrieval.written_tests import choose_place, find_imports, name_module, settle_drafts
from hydranet.contracts import ArtifactRef, Checkpoint, Expectation, ExpectationKind, Snapshot, WriteTestsRequest
from hydranet.errors import FatalError

FILES = {
    "shop/__init__.py": "",
    "shop/names.py": "def normalise(name):\n    return name\n\n\nclass Gone(Exception):\n    pass\n",
    "shop/deep/__init__.py": "",
    "shop/deep/names.py": "def slug(name):\n    return name\n",
    "shop/stock.py": "def take(item):\n    return item\n",
    "src/basket/__init__.py": "",
    "src/basket/lines.py": "def add(line):\n    return line\n",
    "tools/clean.py": "def sweep():\n    pass\n",
    "app.py": "def take(app):\n    return app\n",
    "tests/test_names.py": "def test_it():\n    pass\n",
    "tests/unit/test_a.py": "",
    "tests/unit/test_b.py": "",
    "web/tests/test_page.py": "",
}
INDEX = build_index({path: text.encode() for path, text in FILES.items()})
NOWHERE = ArtifactRef(sha256="0" * 64, size=0, media_type="x")


def make_request(*wishes: Expectation) -> WriteTestsRequest:
    return WriteTestsRequest(
        snapshot=Snapshot(commit="c", pack=NOWHERE),
        checkpoint=Checkpoint(commit="c"),
        repository_path="/r",
        title="t",
        expectations=wishes,
        test_command="pytest",
    )


def imports_of(text: str, kind: ExpectationKind = ExpectationKind.HOLDS) -> list[str]:
    return find_imports(make_request(read_expectation(kind, text, "--expect")), INDEX)


@pytest.mark.parametrize(
    ("path", "folder", "module"),
    [
        ("shop/names.py", "", "shop.names"),
        ("shop/__init__.py", "", "shop"),
        ("shop/deep/names.py", "", "shop.deep.names"),
        ("src/basket/lines.py", "", "basket.lines"),
        ("app.py", "", "app"),
        ("tools/clean.py", "", "tools.clean"),
        ("src/loose.py", "", "loose"),
        ("service/app/models.py", "service", "app.models"),
        ("service/src/core/x.py", "service", "core.x"),
    ],
)
def test_a_module_is_named_as_its_tests_import_it(path: str, folder: str, module: str) -> None:
    assert name_module(path, FILES.keys() | {path}, folder) == module


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("normalise('a') == 'b'", ["from shop.names import normalise"]),
        ("shop.names.normalise('a') == 'b'", ["import shop.names"]),
        ("lines.add(1) == 2", ["from basket import lines"]),
        ("shop.stock.take(1) == 2", ["import shop.stock"]),
        ("math.floor(add(1)) == 2", ["import math", "from basket.lines import add"]),
        ("sweep() is None and len(str(1)) == 1", ["from tools.clean import sweep"]),
    ],
)
def test_names_are_found_in_the_code(text: str, lines: list[str]) -> None:
    assert sorted(imports_of(text)) == sorted(lines)


def test_an_exception_is_imported_too() -> None:
    assert imports_of("Gone: normalise('a')", ExpectationKind.RAISES) == [
        "from shop.names import Gone",
        "from shop.names import normalise",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("take(1) == 2", "take is in app.py and shop/stock.py. Write which one, as in app.take"),
        ("names.slug('a')", "names is nowhere in the repository"),
        ("normalize('a')", "did you mean normalise"),
        ("zzzzqqq(1)", "name a function, a class or a module of it"),
        ("test_it()", "test_it is nowhere in the repository"),
    ],
)
def test_a_name_that_cannot_be_found_is_asked_for(text: str, sentence: str) -> None:
    with pytest.raises(FatalError, match="--expect: ") as refusal:
        imports_of(text)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("command", "folder", "place", "style"),
    [
        ("python -m pytest -q", "", "tests/unit", TestStyle.PYTEST),
        ("pytest tests", "", "tests/unit", TestStyle.PYTEST),
        ("pytest web/tests/", "", "web/tests", TestStyle.PYTEST),
        ("python -m unittest", "", "tests/unit", TestStyle.UNITTEST),
        ("make test", "web", "web/tests", TestStyle.UNITTEST),
        ("python -m pytest", "shop", "shop", TestStyle.PYTEST),
    ],
)
def test_a_test_goes_where_the_others_are(command: str, folder: str, place: str, style: TestStyle) -> None:
    found = choose_place("Names keep hyphens", FILES, folder, command)
    assert found == (place, "test_names_keep_hyphens.py", "names_keep_hyphens", style)


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert choose_place("A", FILES, "", "pytest").name == "test_a_2.py"


def test_a_command_that_runs_one_file_runs_no_new_test() -> None:
    with pytest.raises(FatalError, match=r"runs tests/test_names\.py only"):
        choose_place("A", FILES, "", "pytest -q tests/test_names.py::test_it")


def settle(setup: str, code: str = "assert slug('a')") -> tuple[str, list[str]]:
    """Return the set-up of a draft once its imports are corrected, or why it is left out."""
    draft = Expectation(kind=ExpectationKind.RUNS, setup=setup, code=code, source="draft 1")
    request, left_out = settle_drafts(make_request(draft), INDEX)
    return "".join(wish.setup for wish in request.expectations), left_out


@pytest.mark.parametrize(
    ("setup", "corrected"),
    [
        ("from shop.deep.names import slug", "from shop.deep.names import slug"),
        ("from shop import slug", ""),
        ("from shop.names import slug", ""),
        ("from .names import slug", ""),
        ("import shop.nothing", ""),
        ("import shop.names", "import shop.names"),
        ("import datetime as dt", "import datetime as dt"),
        ("from yaml import load", "from yaml import load"),
        ("from shop import names", "from shop import names"),
        ("from shop.deep import take", "from shop.deep import take"),
        ("x = 1", "x = 1"),
    ],
)
def test_the_wrong_imports_of_a_draft_are_left_to_be_found(setup: str, corrected: str) -> None:
    assert settle(setup) == (corrected, [])


def test_a_draft_that_names_what_is_not_there_is_left_out() -> None:
    assert settle("", "assert slugg('a')") == (
        "",
        ["draft 1: slugg is nowhere in the repository: did you mean slug?"],
    )


def test_a_draft_may_use_the_tools_of_tests() -> None:
    assert settle("", "with pytest.raises(ValueError):\n    slug('a')") == ("", [])
