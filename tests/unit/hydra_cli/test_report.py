from pathlib import Path

import pytest

from hydra_cli import report as command
from hydranet.errors import UsageError
from hydranet.report.html import render_html
from hydranet.report.markdown import render_markdown
from hydranet.report.postmortem import Postmortem
from tests.unit.report.story import build_story, fixed

STORY = build_story(fixed())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the runs that the command asks for."""
    runs: list[str] = []

    async def answer(run: str) -> Postmortem:
        runs.append(run)
        return STORY

    monkeypatch.setattr(command, "_build", answer)
    return runs


def test_markdown_goes_to_standard_output(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command.report("1a2b")
    assert capsys.readouterr().out == render_markdown(STORY)
    assert asked == ["1a2b"]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("name", "text"), [("a.md", render_markdown(STORY)), ("a.html", render_html(STORY)), ("A.HTML", render_html(STORY))]
)
def test_the_ending_of_the_file_decides_the_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text("an older one")
    command.report(output=file)
    assert file.read_text(encoding="utf-8") == text
    assert capsys.readouterr().out == f"The post-mortem of fix-shop-1a2b3c4d is in {file}.\n"


@pytest.mark.parametrize(
    ("name", "sentence"), [("a.pdf", "neither .md nor .html"), ("a", "neither"), ("no/a.md", "no is not a folder")]
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_started(
    tmp_path: Path, asked: list[str], name: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        command.report(output=tmp_path / name)
    assert asked == []


@pytest.mark.usefixtures("asked")
def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.md").mkdir()
    with pytest.raises(UsageError, match=r"a\.md cannot be written \(Is a directory\): name another file"):
        command.report(output=tmp_path / "a.md")
