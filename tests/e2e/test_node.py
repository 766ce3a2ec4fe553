"""Projects whose tests Node runs: a model's answer is tested, verified and published as one in Python is."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hydra_cli.bench.suite import check_out, read_suite
from hydranet.genealogy import Verdict
from tests.e2e.conftest import Hydra, git, repository, stack

if shutil.which("node") is None:
    pytest.skip("Node.js is not installed here", allow_module_level=True)

SUITE = Path(__file__).parents[2] / "benchmarks" / "typescript"
CART = """\
import { rate } from "./tax";

export class Cart {
  constructor(private readonly prices: number[]) {}

  total(): number {
    let sum = 0;
    for (const price of this.prices) {
      sum -= price;
    }
    return sum * (1 + rate());
  }
}
"""
METHOD = """\
total(): number {
  let sum = 0;
  for (const price of this.prices) {
    sum += price;
  }
  return sum * (1 + rate());
}
"""
ISSUE = ("--issue", "The total is wrong")
TAX = "export const rate = (): number => 0.5;\n"
BODY = 'test("the total has tax", () => {\n  CHECK\n});\n\ntest("another", () => {});\n'


def as_javascript(text: str) -> str:
    plain = text.replace(": number[]", "").replace(": number", "")
    plain = plain.replace(
        "constructor(private readonly prices) {}", "constructor(prices) {\n    this.prices = prices;\n  }"
    )
    return plain.replace('"./tax"', '"./tax.mjs"')


def script(path: Path, file: str, code: str) -> Path:
    strategy = {
        "title": "Add the prices in total()",
        "rationale": "The loop subtracts.",
        "plan": "Add.",
        "kind": "wrong operator",
        "target_files": [file],
        "target_symbols": ["Cart.total"],
    }
    lines = [
        {"purpose": "strategies", "answer": {"strategies": [strategy]}},
        {"purpose": "plan", "answer": {"summary": "Add each price", "steps": "Change the sum."}},
        {"purpose": "implement", "attempt": 1, "answer": f"```\n{code.replace('sum +=', 'sum = (')}```"},
        {"purpose": "implement", "answer": f"```\n{code}```"},
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hydra]:
    """A stack with this machine's Node in its sandbox."""
    with stack(tmp_path_factory.mktemp("node") / "data") as own:
        own.env |= {"HYDRA_SANDBOX__BACKEND": "bubblewrap", "HYDRA_MODELS__INVESTIGATIONS": "2"}
        # Or it would end and be started again with each of the commands.
        assert own("up").returncode == 0
        yield own


def test_a_project_with_nothing_to_install_is_mended_by_its_own_test_script(node: Hydra, tmp_path: Path) -> None:
    check = "assert.strictEqual(new Cart([1, 3]).total(), 6);"
    head = (
        'import test from "node:test";\nimport assert from "node:assert";\nimport { Cart } from "../src/cart.mjs";\n\n'
    )
    files = {
        "package.json": json.dumps({"name": "shop", "scripts": {"test": "node --test"}}),
        "src/cart.mjs": as_javascript(CART),
        "src/tax.mjs": as_javascript(TAX),
        "test/cart.test.mjs": head + BODY.replace("CHECK", check),
    }
    root = repository(tmp_path / "shop", files)
    answers = script(tmp_path / "answers.jsonl", "src/cart.mjs", as_javascript(METHOD))
    result, genealogy = node.json("fix", "--repo", root, *ISSUE, "--model", f"scripted:{answers}")
    assert result.verdict is Verdict.FIXED, result.reason
    assert genealogy.target_tests == ("test/cart.test.mjs::the total has tax",)
    assert git(root, "diff", "main", result.published).count("+      sum += price;") == 1
    refused = genealogy.branches[0].attempts[0]
    assert "Invalid syntax" in refused.summary + refused.reason
    templates, _ = node.json("fix", "--repo", root, "--issue", "The sum is wrong", "--model", "templates")
    assert "repair templates know Python alone: choose a model with --model" in templates.reason


def test_a_bug_of_the_suite_is_mended_where_its_cause_is(node: Hydra, tmp_path: Path) -> None:
    """Tested by Vitest; the other runners are tried without a run."""
    instance = read_suite(SUITE, ["guild-login"])[1]["guild-login"]
    root = check_out(instance, tmp_path / "guild").path
    answers = instance.folder / "model.jsonl"
    result, genealogy = node.json("fix", "--repo", root, "--issue", instance.issue, "--model", f"scripted:{answers}")
    assert result.verdict is Verdict.FIXED, result.reason
    assert git(root, "diff", "--name-only", "main", result.published).split() == instance.gold_files
    assert len(genealogy.target_tests) == 1


def test_the_walk_from_the_error_to_the_table_is_told(node: Hydra, tmp_path: Path) -> None:
    """The line that the issue names, the code that it calls, and the view that its statement reads."""
    instance = read_suite(SUITE, ["guild-login"])[1]["guild-login"]
    root = check_out(instance, tmp_path / "guild").path
    assert node("index", "--repo", root).returncode == 0
    walk = node("path", "login", "active_users", "--repo", root)
    print(walk.stdout)
    assert walk.stdout.rstrip("\n") == (
        "src/auth.ts:17 login → calls findUser → src/db.ts:24 → refers to active_users → sql/users.sql"
    )
    found = json.loads(node("retrieve", "--repo", root, "--query", instance.issue, "--json").stdout)
    places = [f"{hit['path']}:{hit['symbol']}" for hit in found["functions"]]
    print(places)
    assert places[0] == "src/auth.ts:login"
    assert {"src/db.ts:findUser", "sql/users.sql:active_users"} <= set(places[:8])
