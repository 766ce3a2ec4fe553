"""What the options of `hydra runs` ask for."""

import pytest

from hydra_cli.recorded_runs import make_filter
from hydranet.errors import UsageError
from hydranet.genealogy import Verdict


@pytest.mark.parametrize("verdict", [*map(str, Verdict), "running"])
def test_runs_are_found_by_every_verdict(verdict: str) -> None:
    assert make_filter("", "", verdict, "").verdict == verdict


def test_what_is_no_verdict_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        UsageError, match="'unclear' is no verdict: name fixed, ambiguous, exhausted, aborted, failed or"
    ):
        make_filter("", "", "unclear", "")
