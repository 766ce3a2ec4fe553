"""A fix is formatted as its repository is, by the tools that it has, and stays the same code."""

from activities.checkpoints.activities import CheckpointActivities
from hydranet import patches
from hydranet.contracts import Checkpoint, CommitRequest, FormatRequest, Formatting, PrepareRequest
from tests.integration.conftest import Make, Project

CODE = """\
def total(prices, discount):
    return sum(prices)


def names(items):
    return [item["name"] for item in items]
"""
FIX = CODE.replace("sum(prices)", "sum( prices )*(1-discount [ 'rate' ])")
FORMATTED = CODE.replace("sum(prices)", 'sum(prices) * (1 - discount["rate"])')
UGLY = CODE.replace('item["name"]', "item [ 'name' ]")
TEST = "from shop import total\n\ndef test_total( ):\n    assert total([1, 2], {'rate': 0.5}) == 1.5\n"
BLACK, RUFF = ("[tool.black]\nline-length = 100\n", "[tool.ruff]\nline-length = 100\n")
SETUP = ("pip install --quiet black==25.1.0 ruff==0.12.0",)
BROKEN = "#!/bin/sh\nsed s/discount/prices/\n"


async def format_fix(made: Project, old: str, new: str, *others: str) -> tuple[Formatting, str]:
    """Return what the formatters did with a fix of shop.py, and the file then."""
    prepare = PrepareRequest(snapshot=made.snapshot, spec=made.spec)
    environment = await made.activities.prepare_environment(prepare)
    checkpoint = await commit(made, made.base, patches.make_diff("shop.py", old, new) + "".join(others))
    request = FormatRequest(snapshot=made.snapshot, checkpoint=checkpoint, environment=environment, spec=made.spec)
    formatting = await made.activities.format_fix(request)
    if formatting.diff is not None:
        checkpoint = await commit(made, checkpoint, (await made.artifacts.get(formatting.diff)).decode())
    return formatting, await made.objects.read(made.snapshot, checkpoint, "shop.py") or ""


async def commit(made: Project, parent: Checkpoint, diff: str) -> Checkpoint:
    stored = await made.artifacts.put(diff.encode())
    request = CommitRequest(snapshot=made.snapshot, parent=parent, diff=stored, message="m")
    return await CheckpointActivities(made.artifacts, made.objects).commit_checkpoint(request)


async def test_the_tool_that_formats_the_project_formats_the_fix(project: Make) -> None:
    files = {"shop.py": CODE, "tests/test_shop.py": TEST}
    made = await project({**files, "pyproject.toml": BLACK + RUFF}, setup=SETUP)
    test = patches.make_diff("tests/test_shop.py", TEST, TEST.replace("1.5", "1.50"))
    formatting, text = await format_fix(made, CODE, FIX, test)
    assert (formatting.formatters, text) == (("black",), FORMATTED)
    assert formatting.diff is not None
    assert b"test_shop" not in await made.artifacts.get(formatting.diff)


async def test_ruff_formats_where_it_is_configured_in_a_file_of_its_own(project: Make) -> None:
    made = await project({"shop.py": CODE, "ruff.toml": "line-length = 100\n"}, setup=SETUP)
    formatting, text = await format_fix(made, CODE, FIX)
    assert (formatting.formatters, text) == (("ruff",), FORMATTED)
    again, _ = await format_fix(made, CODE, FORMATTED)
    assert again == Formatting()


async def test_of_a_file_that_is_not_formatted_only_the_lines_of_the_fix_change(project: Make) -> None:
    made = await project({"shop.py": UGLY, "pyproject.toml": BLACK}, setup=SETUP)
    fix = FIX.replace('item["name"]', "item [ 'name' ]")
    formatting, text = await format_fix(made, UGLY, fix)
    assert (formatting.formatters, text) == (("black",), FORMATTED.replace('item["name"]', "item [ 'name' ]"))


async def test_ruff_that_only_checks_a_project_does_not_format_it(project: Make) -> None:
    made = await project({"shop.py": UGLY, "pyproject.toml": RUFF}, setup=SETUP)
    fix = FIX.replace('item["name"]', "item [ 'name' ]")
    assert await format_fix(made, UGLY, fix) == (Formatting(), fix)


async def test_what_is_not_configured_or_not_installed_is_not_run(project: Make) -> None:
    made = await project({"shop.py": CODE}, setup=SETUP)
    assert await format_fix(made, CODE, FIX) == (Formatting(), FIX)
    prepare = PrepareRequest(snapshot=made.snapshot, spec=made.spec.model_copy(update={"setup": ("echo",)}))
    assert (await made.activities.prepare_environment(prepare)).formatters == ()


async def test_a_formatter_that_writes_other_code_changes_nothing(project: Make) -> None:
    setup = ("cp black /env/bin/black && chmod +x /env/bin/black",)
    made = await project({"shop.py": CODE, "pyproject.toml": BLACK, "black": BROKEN}, setup=setup)
    prepare = PrepareRequest(snapshot=made.snapshot, spec=made.spec)
    assert (await made.activities.prepare_environment(prepare)).formatters == ("black",)
    assert await format_fix(made, CODE, FIX) == (Formatting(), FIX)
