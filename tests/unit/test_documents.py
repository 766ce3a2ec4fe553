"""What the documents for contributors name is there."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hydra_cli import app

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
NAMED = re.findall(r"`(?:python )?([\w.-]+/[\w./-]*)(?: [A-Z ]+)?`", CONTRIBUTING)
SCRIPTS = re.findall(r"python -m benchmarks\.(\w+)", CONTRIBUTING)
PATHS = sorted({*NAMED, *(f"benchmarks/{name}.py" for name in SCRIPTS)})
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def test_contributing_names_files() -> None:
    assert {"activities/sandbox/protocol.py", "benchmarks/repair.py"} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_in_contributing_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_all_its_parts_and_a_line_in_the_index(decision: Path) -> None:
    text = decision.read_text()
    parts = re.findall(r"^(?:- (?=Status: |Date: \d{4}-\d\d-\d\d$)|## )(\w+)", text, re.MULTILINE)
    assert parts == ["Status", "Date", "Context", "Options", "Decision", "Consequences"]
    number, title = int(decision.name[:4]), text.splitlines()[0].removeprefix("# ")
    assert title.startswith(f"{number}. ")
    assert (
        f"{number}. [{title.removeprefix(f'{number}. ')}]({decision.name})\n"
        in (decision.parent / "README.md").read_text()
    )


def test_the_example_of_the_reaper_page_is_what_hydra_score_prints() -> None:
    page = ROOT / "docs" / "explanation" / "reaper.md"
    result = CliRunner().invoke(app, ["score", str(page.with_name("reaper-example.jsonl"))])
    assert result.exit_code == 0
    assert f"```text\n{result.output}```" in page.read_text()


CLASSES = {
    name
    for package in ("hydranet", "activities", "workflows", "workers", "hydra_cli")
    for module in (ROOT / package).rglob("*.py")
    for name in re.findall(r"^class (\w+)", module.read_text(), re.MULTILINE)
}
GLOSSARY = re.findall(r"\| `(\w+)` \|$", (ROOT / "docs" / "reference" / "glossary.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(GLOSSARY)))
def test_a_class_in_the_glossary_is_there(name: str) -> None:
    assert name in CLASSES


SECURITY = (ROOT / "docs" / "explanation" / "security.md").read_text()
PROOFS = sorted(set(re.findall(r"`(test(?:_\w+){3,})`", SECURITY)))


def test_the_page_on_security_names_tests() -> None:
    assert len(PROOFS) > 20


@pytest.mark.parametrize("name", PROOFS)
def test_a_test_that_the_page_on_security_names_is_there(name: str) -> None:
    definition = re.compile(rf"def {name}\(")
    assert any(definition.search(path.read_text()) for path in (ROOT / "tests").rglob("test_*.py"))
