"""What the right fix of an instance makes of a question."""

from pathlib import Path

import platformdirs
import pytest

from hydra_cli.bench.gold_answers import answer_by_gold
from hydra_cli.bench.suite import BugInstance
from hydranet.patches import make_diff
from hydranet.question import BehaviourQuestion, Call, CallResult, Choice
from hydranet.settings import Settings

CODE = "def rate(weight):\n    return 5 if weight < 10 else 7\n"
TESTS = "from shop import rate\n\n\ndef test_limit():\n    assert rate(10) == 5\n\n\ndef test_heavy():\n    rate(11)\n"


@pytest.fixture
def instance(tmp_path: Path) -> BugInstance:
    files = tmp_path / "instance" / "repo"
    files.mkdir(parents=True)
    (files / "shop.py").write_text(CODE)
    (files / "test_shop.py").write_text(TESTS)
    (files.parent / "gold.patch").write_text(make_diff("shop.py", CODE, CODE.replace("<", "<=")))
    return BugInstance(id="shop", issue="Ten is not light", folder=files.parent, gold_files=["shop.py"])


@pytest.mark.parametrize(
    ("arguments", "results", "answer"),
    [("weight=11", ("5", "7"), "2"), ("weight=11", ("5", "9"), "neither"), ("weight=12", ("5", "7"), "unknown")],
)
async def test_a_question_is_answered_by_what_the_right_fix_does(
    instance: BugInstance, arguments: str, results: tuple[str, str], answer: str
) -> None:
    question = BehaviourQuestion(
        call=Call(file="shop.py", unit="rate", arguments=arguments),
        before="returns 7",
        choices=tuple(Choice(title="fix", result=CallResult(text=f"returns {text}")) for text in results),
    )
    settings = Settings(data_dir=platformdirs.user_cache_path("hydranet-tests"))
    assert await answer_by_gold(instance, question, settings) == answer
