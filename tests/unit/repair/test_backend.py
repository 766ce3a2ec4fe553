"""The backend through its protocol, on real repositories."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from activities.artifacts.store import FolderArtifacts, get_model, put_model, put_text
from activities.git.command import run_git
from activities.git.objects import GitObjects
from activities.repair.backend import TemplatesBackend
from hydranet.contracts import (
    Candidates,
    Checkpoint,
    DeadBranch,
    FailingTest,
    Place,
    RetrievedContext,
    Snapshot,
    Spectrum,
    StepRequest,
    StrategiesRequest,
    TestResult,
    Work,
)
from hydranet.convergence.error_signature import ErrorClass, ErrorSignature
from hydranet.patches import apply_diff, check_diff
from hydranet.strategy import SUGGESTED, Strategy, is_new

PAGING = """def paginate(items, page, size):
    start = page * size
    return items[start:start + size]


def unused(items):
    return items
"""
TEST = "from shop.paging import paginate\n\n\ndef test_first():\n    assert paginate([1, 2], 1, 1) == [1]\n"
FAILED = TestResult(
    id="tests/test_paging.py::test_first",
    outcome="failed",
    message=">       assert paginate([1, 2], 1, 1) == [1]\nE       assert [2] == [1]\n\ntests/test_paging.py:5: Error",
)
ASSERTION = ErrorSignature(type="AssertionError", error_class=ErrorClass.ASSERTION)

Prepare = Callable[..., Awaitable[Work]]


@pytest.fixture
def store(tmp_path: Path) -> FolderArtifacts:
    return FolderArtifacts(tmp_path / "artifacts")


@pytest.fixture
def backend(store: FolderArtifacts, tmp_path: Path) -> TemplatesBackend:
    return TemplatesBackend(store, GitObjects(tmp_path / "objects", store))


@pytest.fixture
def prepare(store: FolderArtifacts, tmp_path: Path) -> Prepare:
    """Return a function that prepares the work of a run on a repository with some files."""

    async def prepared(
        files: dict[str, bytes | str],
        spectrum: Spectrum | None = None,
        issue: str = "",
        error: ErrorSignature | None = ASSERTION,
        tests: tuple[TestResult, ...] = (FAILED,),
        places: tuple[str, ...] = (),
    ) -> Work:
        repository = tmp_path / "repository"
        repository.mkdir()
        for name, content in files.items():
            path = repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        run_git(repository, "init", "--quiet")
        run_git(repository, "add", "--all")
        run_git(repository, "commit", "--quiet", "--message", "base", "--allow-empty")
        commit = run_git(repository, "rev-parse", "HEAD").decode().strip()
        pack = run_git(repository, "pack-objects", "--stdout", "--revs", stdin=f"{commit}\n".encode())
        failing = tuple(FailingTest(id=test.id, message=test.message) for test in tests)
        context = RetrievedContext(
            issue=await put_text(store, issue),
            failing=failing,
            failing_count=len(failing),
            error=error,
            places=tuple(Place(file=path, symbol="total", first_line=1, last_line=1) for path in places),
        )
        return Work(
            run_id="fix-shop",
            model="templates",
            snapshot=Snapshot(commit=commit, pack=await store.put(pack)),
            checkpoint=Checkpoint(commit=commit),
            context=await put_model(store, context),
            spectrum=await put_model(store, spectrum) if spectrum else None,
        )

    return prepared


SHOP: dict[str, bytes | str] = {"shop/__init__.py": "", "shop/paging.py": PAGING, "tests/test_paging.py": TEST}
COVERED = Spectrum(tests=(FAILED,), lines={"shop/paging.py": {2: (0,), 3: (0,)}})


def step(work: Work, strategy: Strategy, attempt: int, tried: int = 0) -> StepRequest:
    return StepRequest(work=work, branch=1, attempt=attempt, strategy=strategy, tried=tried)


async def all_strategies(backend: TemplatesBackend, work: Work) -> list[Strategy]:
    answer = await backend.strategies(StrategiesRequest(work=work, round=1, count=100))
    return list(answer.strategies)


async def test_a_strategy_is_a_region_and_a_kind_of_change(backend: TemplatesBackend, prepare: Prepare) -> None:
    work = await prepare(SHOP, COVERED, issue="paginate skips the first page")
    answer = await backend.strategies(StrategiesRequest(work=work, round=1, count=3))
    assert len(answer.strategies) == 3
    first = answer.strategies[0]
    assert first.title == "Wrong expression in paginate() (shop/paging.py)"
    assert first.target_files == ("shop/paging.py",)
    assert first.target_symbols == ("paginate",)
    assert first.model == "templates"
    assert re.match(r"0\.\d\d likely: .*failing tests execute line 2", first.rationale)
    assert "the issue and the failing tests speak of it" in first.rationale
    assert answer.usage.model == "templates"
    assert answer.usage.tokens == answer.usage.calls == 0


async def test_dead_strategies_are_not_proposed_again_until_none_is_left(
    backend: TemplatesBackend, prepare: Prepare
) -> None:
    work = await prepare(SHOP, COVERED)
    dead: list[DeadBranch] = []
    while strategies := (
        answer := await backend.strategies(StrategiesRequest(work=work, round=1, count=4, dead=tuple(dead)))
    ).strategies:
        for strategy in strategies:
            assert is_new(strategy, [branch.strategy for branch in dead])
            dead.append(DeadBranch(number=len(dead) + 1, strategy=strategy))
    assert len(dead) == 4
    assert answer.reason == "Every suspicious region was tried with every kind of change."
    assert {branch.strategy.target_symbols for branch in dead} == {("paginate",)}  # no failing test executes the rest


LAST_PAGE = "\n\ndef last_page(items, size):\n    return len(items) // size + 1\n"


@pytest.mark.parametrize(
    ("instruction", "symbol"),
    [
        ("", "paginate"),
        ("Look at `last_page` first.", "last_page"),
        ("last_page() in shop/paging.py drops one", "last_page"),
        ("It must be shop/paging.py", "paginate"),
        ("Look at `nowhere` in other.py", "paginate"),
    ],
)
async def test_the_places_that_an_instruction_names_come_first(
    backend: TemplatesBackend, prepare: Prepare, instruction: str, symbol: str
) -> None:
    test = TEST.replace("paginate\n", "last_page, paginate\n", 1) + "    assert last_page([1], 1) == 1\n"
    work = await prepare({**SHOP, "shop/paging.py": PAGING + LAST_PAGE, "tests/test_paging.py": test})
    answer = await backend.strategies(StrategiesRequest(work=work, round=1, count=2, instruction=instruction))
    assert [strategy.target_symbols for strategy in answer.strategies] == [(symbol,), (symbol,)]


async def test_attempts_are_batches_until_the_strategy_is_exhausted(
    backend: TemplatesBackend, prepare: Prepare, store: FolderArtifacts
) -> None:
    work = await prepare(SHOP, COVERED)
    repaired = PAGING.replace("page * size", "(page - 1) * size")
    texts: list[str] = []
    for strategy in await all_strategies(backend, work):
        tried = 0
        for attempt in range(1, 100):
            planned = await backend.plan(step(work, strategy, attempt, tried))
            answer = await backend.implement(step(work, strategy, attempt, tried))
            assert answer.candidates is not None
            candidates = (await get_model(store, answer.candidates, Candidates)).candidates
            extent = f"candidates {tried + 1} to {tried + len(candidates)}"
            tried += len(candidates)
            reflected = await backend.reflect(step(work, strategy, attempt, tried))
            assert answer.count == len(candidates) > 0
            assert extent in planned.plan.summary
            assert f"None of the first {tried} candidates passes all tests" in reflected.reflection
            for candidate in candidates:
                check_diff(candidate.diff)
                assert candidate.title.startswith("shop/paging.py, line ")
                files = apply_diff(candidate.diff, {"shop/paging.py": PAGING}.get)
                assert list(files) == ["shop/paging.py"]
                texts.append(files["shop/paging.py"] or "")
            if answer.exhausted:
                assert answer.reason.startswith("All candidates were tried")
                after = await backend.implement(step(work, strategy, attempt + 1, tried))
                assert (after.candidates, after.exhausted) == (None, True)
                break
        else:
            pytest.fail("the strategy never ends")
    assert repaired in texts
    assert PAGING not in texts


async def test_untried_candidates_come_again_in_the_next_attempt(
    backend: TemplatesBackend, prepare: Prepare, store: FolderArtifacts
) -> None:
    work = await prepare(SHOP, COVERED)
    strategy = (await all_strategies(backend, work))[0]

    async def titles(tried: int) -> list[str]:
        answer = await backend.implement(step(work, strategy, 1, tried))
        assert answer.candidates is not None
        return [candidate.title for candidate in (await get_model(store, answer.candidates, Candidates)).candidates]

    assert (await titles(7))[0] == (await titles(0))[7]


async def test_the_same_request_gives_the_same_answer(
    backend: TemplatesBackend, prepare: Prepare, store: FolderArtifacts, tmp_path: Path
) -> None:
    work = await prepare(SHOP, COVERED)
    other = TemplatesBackend(store, GitObjects(tmp_path / "elsewhere", store))
    strategies = await all_strategies(backend, work)
    assert await all_strategies(other, work) == strategies
    for strategy in strategies:
        request = step(work, strategy, 1)
        assert await backend.implement(request) == await other.implement(request)
        assert await backend.plan(request) == await other.plan(request)
        assert await backend.reflect(request) == await other.reflect(request)


async def test_without_coverage_the_calls_of_the_failing_test_are_suspected(
    backend: TemplatesBackend, prepare: Prepare
) -> None:
    hung = TestResult(id="tests/test_paging.py::test_first", outcome="failed", message="Timeout")
    work = await prepare(SHOP, None, error=None, tests=(hung,))
    strategies = await all_strategies(backend, work)
    assert strategies[0].target_symbols == ("paginate",)
    assert "a failing test calls paginate" in strategies[0].rationale


async def test_a_strategy_of_another_model_is_exhausted_at_once(backend: TemplatesBackend, prepare: Prepare) -> None:
    work = await prepare(SHOP, COVERED)
    for strategy in (
        Strategy(
            title="Rewrite paginate", kind="rewrite", target_files=("shop/paging.py",), target_symbols=("paginate",)
        ),
        Strategy(title="Boundary", kind="boundary or condition", target_files=("gone.py",), target_symbols=("f",)),
    ):
        request = step(work, strategy, 1)
        answer = await backend.implement(request)
        assert answer.exhausted
        assert answer.reason
        assert (await backend.plan(request)).plan.summary
        assert (await backend.reflect(request)).reflection


async def test_a_repository_without_python_has_no_strategies(backend: TemplatesBackend, prepare: Prepare) -> None:
    work = await prepare({"README.md": "nothing"}, None, error=None, tests=())
    answer = await backend.strategies(StrategiesRequest(work=work, round=1, count=3))
    assert answer.strategies == ()
    assert answer.reason == "No Python code could be tied to the failing tests."


async def test_another_language_needs_a_model(backend: TemplatesBackend, prepare: Prepare) -> None:
    files = {"src/cart.ts": "export function total() {}\n"}
    work = await prepare(files, None, error=None, tests=(), places=("src/cart.ts",))
    answer = await backend.strategies(StrategiesRequest(work=work, round=1, count=3))
    assert answer.reason == (
        "The likely places, such as src/cart.ts, are in TypeScript, and repair templates know Python alone: "
        "choose a model with --model, such as ollama:qwen2.5-coder:7b."
    )


async def test_hostile_files_are_left_alone(backend: TemplatesBackend, prepare: Prepare) -> None:
    odd, deep = "shop/a b'\"$(x)é\n.py", "shop/" + "n" * 210 + ".py"
    files = {
        **SHOP,
        "shop/broken.py": "def f(:\n",
        "shop/latin.py": "x = 'é'\n".encode("latin-1"),
        "shop/huge.py": "x = 1\n" * 100_000,
        "shop/nested.py": "def f():\n    return " + "-" * 50_000 + "1\n",
        "shop/sum.py": "def f():\n    return " + "+".join(["1"] * 5000) + "\n",
        "shop/nul.py": b"x = 1\x00\n",
        odd: "def f(a):\n    return a + 1\n",
        deep: "def f(a):\n    return a + 2\n",
        "shop/long.py": f"def {'g' * 300}(a):\n    return a\n",
    }
    spectrum = Spectrum(tests=(FAILED,), lines={path: {1: (0,), 2: (0,)} for path in files if path.endswith(".py")})
    work = await prepare(files, spectrum, issue="f(x) `gggg` \x00 \udcff".encode("utf-8", "replace").decode())
    strategies = await all_strategies(backend, work)
    targets = {strategy.target_files[0] for strategy in strategies}
    assert {"shop/paging.py", odd, deep} <= targets <= {"shop/paging.py", odd, deep, "shop/sum.py"}
    for strategy in strategies:
        answer = await backend.implement(step(work, strategy, 1))
        assert answer.count or answer.exhausted


async def test_a_suggested_function_is_changed_though_no_evidence_leads_there(
    backend: TemplatesBackend, prepare: Prepare, store: FolderArtifacts
) -> None:
    work = await prepare({**SHOP, "shop/other.py": "def count(items):\n    return len(items) + 1\n"}, COVERED)
    own = {"model": "templates", "kind": SUGGESTED, "suggested_by": "ann@host"}
    for file, symbol, fix in (
        ("shop/other.py", "count", "return len(items)\n"),
        ("shop/paging.py", "paginate", "(page - 1) * size"),
    ):
        strategy = Strategy.model_validate(
            {"title": "Count right.", "target_files": (file,), "target_symbols": (symbol,), **own}
        )
        texts, tried = "", 0
        while (answer := await backend.implement(step(work, strategy, 1, tried))).candidates is not None:
            texts += "".join(item.diff for item in (await get_model(store, answer.candidates, Candidates)).candidates)
            tried += answer.count
            if answer.exhausted:
                break
        assert fix in texts, file
