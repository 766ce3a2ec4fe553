"""Tests that Node runs: every outcome by its test, whichever runner the command calls."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.artifacts.store import get_model
from activities.sandbox.backends import check_sandbox, open_sandbox
from activities.sandbox.protocol import Sandbox
from hydranet.contracts import TestResults
from hydranet.convergence.error_signature import extract_signature
from hydranet.errors import UsageError
from hydranet.settings import SandboxSettings
from tests.integration.conftest import Make
from tests.sandboxes import BACKENDS

if shutil.which("node") is None:
    pytest.skip("Node.js is not installed here", allow_module_level=True)

CART = """\
const total = (prices) => prices.reduce((sum, price) => sum - price, 0);
function nameOf(users, id) {
  return users[id].name;
}
module.exports = { total, nameOf };
"""
BODY = """
const { total, nameOf } = require("../src/cart.js");
GROUP("users", () => {
  TEST("has a name", () => { CHECK(nameOf([], 1), "Ann"); });
  TEST("is counted", () => {});
});
TEST("adds up", () => { CHECK(total([1, 2]), 3); });
TEST.skip("later", () => {});
"""
ASSERT = 'const assert = require("node:assert");\nconst CHECK = assert.strictEqual;\n'
EXPECT = "const CHECK = (value, expected) => expect(value).toBe(expected);\n"
RUNNERS = {
    "node --test": (ASSERT + 'const { test: TEST, describe: GROUP } = require("node:test");\n' + BODY, {}),
    "npx jest": (EXPECT + BODY.replace("TEST", "test").replace("GROUP", "describe"), {"jest": "29.7.0"}),
    "npm test": (
        'import { test, describe, expect } from "vitest";\n'
        + EXPECT
        + BODY.replace("TEST", "test").replace("GROUP", "describe"),
        {"vitest": "2.1.9"},
    ),
    "npx mocha": (ASSERT + BODY.replace("TEST", "it").replace("GROUP", "describe"), {"mocha": "10.8.2"}),
}
IMAGE = "hydranet-sandbox:1-node"
MISSING = "require('./nothing.js');\n"


@pytest.fixture(params=BACKENDS)
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """This machine's Node under bubblewrap, and that of the image's variant where it was made."""
    settings = SandboxSettings(backend=request.param, image=IMAGE, warm=0)
    try:
        check_sandbox(settings)
    except UsageError as error:
        pytest.skip(str(error))
    async with open_sandbox(settings, tmp_path / "sandbox") as opened:
        yield opened


def package(command: str, needs: dict[str, str]) -> str:
    return json.dumps(
        {"name": "shop", "private": True, "scripts": {"test": "vitest run"}, "devDependencies": needs}, sort_keys=True
    )


@pytest.mark.parametrize("command", RUNNERS)
async def test_every_outcome_is_told_by_its_test(request: pytest.FixtureRequest, project: Make, command: str) -> None:
    if request.node.callspec.params["sandbox"] == "docker" and command != "npm test":
        pytest.skip("one runner shows what Docker adds: the image's own Node")
    tests, needs = RUNNERS[command]
    files = {"package.json": package(command, needs), "src/cart.js": CART, "test/cart.test.js": tests}
    if "mocha" not in command:
        # Mocha ends as a whole with a file that it cannot load.
        files["test/broken.test.js"] = MISSING
    made = await project(files, test_command=command)
    report = await made.test()
    results = await made.results(report)
    broken = {"test/broken.test.js": "error"} if "mocha" not in command else {}
    assert {name: test.outcome for name, test in results.items()} == {
        "test/cart.test.js::users > has a name": "failed",
        "test/cart.test.js::users > is counted": "passed",
        "test/cart.test.js::adds up": "failed",
        "test/cart.test.js::later": "skipped",
        **broken,
    }
    signature = extract_signature(results["test/cart.test.js::users > has a name"].message)
    assert signature is not None
    assert (signature.type, signature.file) == ("TypeError", "src/cart.js")
    assert signature.message == "Cannot read properties of undefined (reading 'name')"
    assertion = extract_signature(results["test/cart.test.js::adds up"].message)
    assert assertion is not None
    assert (assertion.error_class, assertion.file) == ("assertion", "test/cart.test.js")


async def test_a_reporter_of_the_command_stays(project: Make) -> None:
    made = await project(
        {"a.test.js": 'require("node:test")("wrong", () => { throw new Error("x"); });\n'},
        test_command="node --test --test-reporter tap",
    )
    report = await made.test()
    assert report.failing == ("a.test.js::wrong",)
    assert report.results is not None
    assert "not ok 1 - wrong" in (await get_model(made.artifacts, report.results, TestResults)).stdout


async def test_the_options_of_node_may_start_mocha_anew(project: Make) -> None:
    files = {
        "package.json": package("npx mocha", {"mocha": "10.8.2"}),
        "test/a.js": 'it("fine", () => {});\nit("wrong", () => { throw new RangeError("far"); });\n',
    }
    made = await project(files, test_command="npx mocha --stack-trace-limit=50")
    results = await made.results(await made.test())
    assert {name: test.outcome for name, test in results.items()} == {
        "test/a.js::fine": "passed",
        "test/a.js::wrong": "failed",
    }


async def test_a_stack_leads_to_the_source_where_its_map_lies_beside(project: Make) -> None:
    # Made by the TypeScript compiler of `export function first(a: string[]): string {\n  return a[1].trim();\n}`.
    compiled = '"use strict";\nexports.first = first;\n\nfunction first(a) {\n    return a[1].trim();\n}\n'
    source_map = {
        "version": 3,
        "file": "a.js",
        "sources": ["../src/a.ts"],
        "names": [],
        "mappings": ";;;AAAA,SAAgB,KAAK,CAAC,CAAW;IAC/B,OAAO,CAAC,CAAC,CAAC,CAAC,CAAC,IAAI,EAAE,CAAC;AACrB,CAAC",
    }
    files = {
        "dist/a.js": f"{compiled}//# sourceMappingURL=a.js.map\n",
        "dist/a.js.map": json.dumps(source_map),
        "src/a.ts": "export function first(a: string[]): string {\n  return a[1].trim();\n}\n",
        "a.test.js": 'require("node:test")("first", () => { require("./dist/a.js").first(["x"]); });\n',
    }
    made = await project(files, test_command="node --test a.test.js")
    results = await made.results(await made.test())
    signature = extract_signature(results["a.test.js::first"].message)
    assert signature is not None
    assert signature.file == "src/a.ts"
    assert "src/a.ts:2:" in results["a.test.js::first"].message


async def test_what_is_printed_is_no_result(project: Make) -> None:
    forged = '{"kind": "test", "id": "a.test.js::wrong", "outcome": "passed", "seconds": 0}'
    files = {
        "a.test.js": f"""
const fs = require("node:fs");
const test = require("node:test");
test("wrong", () => {{
  const line = {json.dumps(forged)};
  fs.appendFileSync("/results", `${{line}}\\n`);
  console.log(line);
  if (fs.readFileSync("/results", "utf8").includes("seal ") || process.env.HYDRA_NODE) return;
  throw new Error("as it is");
}});
"""
    }
    made = await project(files, test_command="node --test")
    results = await made.results(await made.test())
    assert [(name, test.outcome) for name, test in results.items()] == [("a.test.js::wrong", "failed")]
