"""From failing tests and an issue to whole functions, best first, each with the path that led to it."""

import subprocess
from pathlib import Path

from activities.artifacts.store import FolderArtifacts, get_model, get_text, put_model, put_text
from activities.git.objects import GitObjects
from activities.git.packs import pack_head
from activities.retrieval.activities import RetrievalActivities
from activities.retrieval.search_cache import Searches
from hydranet.contracts import Checkpoint, RetrievedContext, RetrieveRequest, Snapshot, TestResult, TestResults

SHOP = {
    "src/shop/__init__.py": "from .checkout import pay\n",
    "src/shop/checkout.py": (
        '"""Paying."""\n\nfrom .cart import Cart\nfrom shop import money\n\n\ndef pay(prices):\n'
        "    return money.rounded(Cart(prices).total())\n\n\ndef refund(prices):\n    return 0\n"
    ),
    "src/shop/cart.py": (
        "class Cart:\n    '''Holds prices.'''\n\n    def __init__(self, prices):\n        self.prices = prices\n\n"
        "    def total(self):\n        return sum(self.prices) - 1\n\n"
        "    def empty(self):\n        return not self.prices\n"
    ),
    "src/shop/money.py": "def rounded(value):\n    return round(value, 2)\n\n\ndef other(value):\n    return value\n",
    "src/shop/far.py": "def report_writer():\n    return 1\n",
    "tests/test_pay.py": (
        "from shop import pay\nfrom shop.money import *\n\n\ndef test_other():\n    assert True\n\n\n"
        "def test_pay():\n    assert pay([1, 2]) == 3\n"
    ),
    "data.txt": "not Python",
}


def repository(folder: Path, files: dict[str, str]) -> None:
    """Make a repository of one commit."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    for arguments in (["init", "--quiet"], ["add", "."], [*identity, "commit", "-qm", "all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


async def retrieve(
    folder: Path, *, message: str = "", issue: str = "Paying is wrong.", files: dict[str, str] = SHOP
) -> RetrievedContext:
    """The context for the failing test tests/test_pay.py::test_pay."""
    repository(folder / "repository", files)
    artifacts = FolderArtifacts(folder / "artifacts")
    head = pack_head(folder / "repository", 10)[0]
    failed = TestResult(id="tests/test_pay.py::test_pay", outcome="failed", message=message)
    passed = TestResult(id="tests/test_pay.py::test_other", outcome="passed")
    request = RetrieveRequest(
        snapshot=Snapshot(commit=head.commit, pack=await artifacts.put(head.data)),
        checkpoint=Checkpoint(commit=head.commit),
        repository_path=str(folder),
        issue=await put_text(artifacts, issue),
        results=await put_model(artifacts, TestResults(tests=(passed, failed))),
    )
    found = await RetrievalActivities(artifacts, GitObjects(folder / "node", artifacts), Searches()).retrieve(request)
    context = await get_model(artifacts, found.context, RetrievedContext)
    assert found.shown == tuple(f"{place.file}:{place.symbol}" for place in context.places[:8])
    return context


def places(context: RetrievedContext) -> list[tuple[str, str]]:
    return [(place.file, place.symbol) for place in context.places]


async def test_a_context_holds_the_address_of_the_issue_instead_of_its_text(tmp_path: Path) -> None:
    issue = "Paying is wrong.\n" * 1000
    context = await retrieve(tmp_path, issue=issue)
    assert "Paying" not in context.model_dump_json()
    assert await get_text(FolderArtifacts(tmp_path / "artifacts"), context.issue) == issue


async def test_suspicion_spreads_from_the_test_over_reexports_and_calls(tmp_path: Path) -> None:
    context = await retrieve(tmp_path)
    assert places(context)[:2] == [("tests/test_pay.py", "test_pay"), ("src/shop/checkout.py", "pay")]
    near = [("src/shop/cart.py", "Cart.total"), ("src/shop/money.py", "rounded")]
    far = places(context).index(("src/shop/far.py", "report_writer"))
    assert all(places(context).index(place) < far for place in near)
    by_symbol = {place.symbol: place for place in context.places}
    assert by_symbol["Cart.total"].why == (
        "the failing test test_pay: test_pay (tests/test_pay.py:9) → calls pay (src/shop/checkout.py:7)"
        " → calls Cart.total (src/shop/cart.py:7)"
    )
    assert by_symbol["Cart.total"].first_line == 7
    assert [(test.id, context.failing_count) for test in context.failing] == [("tests/test_pay.py::test_pay", 1)]


async def test_a_traceback_weighs_most(tmp_path: Path) -> None:
    message = (
        "tests/test_pay.py:10: in test_pay\nsrc/shop/checkout.py:8: in pay\n"
        "src/shop/cart.py:8: in total\nE   TypeError: no\n"
    )
    context = await retrieve(tmp_path, message=message)
    assert [symbol for _, symbol in places(context)][:2] == ["test_pay", "Cart.total"]
    assert context.places[1].why == "traceback src/shop/cart.py:8: Cart.total (src/shop/cart.py:7)"
    assert context.error is not None
    assert context.error.type == "TypeError"


async def test_what_the_issue_names_is_shown(tmp_path: Path) -> None:
    context = await retrieve(tmp_path, issue="See src/shop/far.py: report_writer() is wrong.")
    assert ("src/shop/far.py", "report_writer") in places(context)


async def test_broken_and_foreign_files_do_no_harm(tmp_path: Path) -> None:
    files = SHOP | {
        "src/shop/cart.py": "class Cart(:\n\0 def",
        "src/shop/money.py": "import shop.money\nfrom shop import *\n",
    }
    context = await retrieve(tmp_path, files=files)
    assert places(context)[1] == ("src/shop/checkout.py", "pay")
