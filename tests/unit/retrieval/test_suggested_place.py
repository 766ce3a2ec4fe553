"""The place of a suggestion: the one that is named, else one that the text speaks of; a wrong one is told."""

from pathlib import Path

import pytest

from activities.artifacts.store import FolderArtifacts
from activities.git.command import run_git
from activities.git.objects import GitObjects
from activities.retrieval.suggested_place import find_place
from hydranet.contracts import Checkpoint, Place, PlaceRequest, Snapshot
from hydranet.errors import FatalError

FILES = {
    "shop/cart.py": "RATE = 2\n\n\nclass Cart:\n    def total(self):\n        return 1\n\n"
    "    def size(self):\n        return 2\n\n\nclass Box:\n    def size(self):\n        return 3\n",
    "shop/tax.py": "def add_tax(value):\n    return value\n",
    "web/tax.py": "",
    "web/page.ts": "export function render(page) { return page }\n",
    "notes.txt": "total\n",
    "tests/test_cart.py": "def test_total():\n    pass\n",
}
PLACES = (Place(file="shop/tax.py", symbol="add_tax"),)


@pytest.fixture
async def ask(tmp_path: Path) -> PlaceRequest:
    repository = tmp_path / "repository"
    for name, text in FILES.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    run_git(repository, "init", "--quiet")
    run_git(repository, "add", "--all")
    run_git(repository, "commit", "--quiet", "--message", "base")
    commit = run_git(repository, "rev-parse", "HEAD").decode().strip()
    pack = run_git(repository, "pack-objects", "--stdout", "--revs", stdin=f"{commit}\n".encode())
    snapshot = Snapshot(commit=commit, pack=await FolderArtifacts(tmp_path / "artifacts").put(pack))
    return PlaceRequest(snapshot=snapshot, checkpoint=Checkpoint(commit=commit), text="", places=PLACES)


@pytest.fixture
def objects(tmp_path: Path) -> GitObjects:
    return GitObjects(tmp_path / "objects", FolderArtifacts(tmp_path / "artifacts"))


@pytest.mark.parametrize(
    ("named", "text", "file", "symbol"),
    [
        ("shop/cart.py:Cart.total", "", "shop/cart.py", "Cart.total"),
        ("./shop/cart.py:total()", "", "shop/cart.py", "Cart.total"),
        ("cart.py:Cart", "", "shop/cart.py", "Cart"),
        ("page.ts:render", "", "web/page.ts", "render"),
        ("shop/tax.py", "", "shop/tax.py", ""),
        ("", "`total` in shop/cart.py loses a cent", "shop/cart.py", "Cart.total"),
        ("", "Look at shop/cart.py", "shop/cart.py", ""),
        ("", "add_tax() must come last, as tests/test_cart.py says", "shop/tax.py", "add_tax"),
        ("", "Rounding is wrong.", "", ""),
    ],
)
async def test_a_place_is_found(
    ask: PlaceRequest, objects: GitObjects, named: str, text: str, file: str, symbol: str
) -> None:
    place = await find_place(ask.model_copy(update={"place": named, "text": text}), objects)
    assert (place.file, place.symbol) == (file, symbol)


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("shop/none.py:f", "There is no file shop/none.py at the base of the run: correct --place FILE:FUNCTION."),
        ("../../etc/passwd:f", "There is no file ../../etc/passwd at the base"),
        (":f", "--place names no file: write it as FILE:FUNCTION."),
        ("tax.py:add_tax", "There are several files tax.py: name one of shop/tax.py and web/tax.py."),
        ("shop/cart.py:size", "shop/cart.py has several size: name one of Cart.size and Box.size."),
        ("shop/cart.py:RATE", "shop/cart.py has no function or class RATE, but "),
        ("notes.txt:total", "notes.txt is in no language whose functions are known"),
    ],
)
async def test_a_place_that_is_not_there_is_told(
    ask: PlaceRequest, objects: GitObjects, named: str, sentence: str
) -> None:
    with pytest.raises(FatalError) as raised:
        await find_place(ask.model_copy(update={"place": named}), objects)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("", "Repair templates need a function to change: name it by --place FILE:FUNCTION, such as --place shop/tax."),
        ("shop/tax.py", "Repair templates need a function"),
        ("web/page.ts:render", "web/page.ts is not Python, which is all that repair templates know: choose a model."),
    ],
)
async def test_templates_need_a_function(ask: PlaceRequest, objects: GitObjects, named: str, sentence: str) -> None:
    with pytest.raises(FatalError) as raised:
        await find_place(ask.model_copy(update={"place": named, "templates": True}), objects)
    assert str(raised.value).startswith(sentence)
