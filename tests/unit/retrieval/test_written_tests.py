"""Where a written test goes, and how it imports what it names."""

import pytest

from activities.code.expectations import read_expectation
from activities.code.test_writer import TestStyle
from activities.retrieval.index import build_index
from activities.retrieval.written_tests import choose_place, find_imports, name_module
from hydranet.contracts import ArtifactRef, Checkpoint, ExpectationKind, Snapshot, WriteTestsRequest
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


def imports_of(text: str, kind: ExpectationKind = ExpectationKind.HOLDS) -> list[str]:
    request = WriteTestsRequest(
        snapshot=Snapshot(commit="c", pack=NOWHERE),
        checkpoint=Checkpoint(commit="c"),
        repository_path="/r",
        title="t",
        expectations=(read_expectation(kind, text, "--expect"),),
        test_command="pytest",
    )
    return find_imports(request, INDEX)


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
