"""A run as it was at earlier moments."""

from hydranet.genealogy import Ending, Suspension, Verdict
from hydranet.timeline import list_moments, rewind
from tests.integration.finished_runs import make_run
from tests.unit.report.story import ambiguous


def test_a_run_is_rebuilt_as_it_grew() -> None:
    run = make_run("fix-a")
    assert list_moments(run) == [1.0, 12.0, 13.0, 14.0, 30.0, 31.0, 32.0]
    first = rewind(run, 1.0)
    assert [(len(branch.attempts), branch.ending) for branch in first.branches] == [(0, Ending.RUNNING)]
    assert (first.verdict, first.published, first.state, first.seconds) == (None, "", "working", 1.0)
    before, after = rewind(run, 12.0).branches[0], rewind(run, 13.0).branches[0]
    assert (len(before.attempts), before.ending, before.reason) == (1, Ending.RUNNING, "")
    assert (after.ending, after.reason) == (Ending.REAPED, "It circles.")
    assert len(rewind(run, 30.0).branches[1].attempts) == 1
    assert rewind(run, 32.0) == run


def test_a_branch_was_left_for_another_in_between() -> None:
    run = make_run("fix-a")
    first = run.branches[0].model_copy(
        update={"suspensions": (Suspension(began=12.5, ended=12.8, reason="worth less"),)}
    )
    run = run.model_copy(update={"branches": (first, *run.branches[1:])})
    assert list_moments(run)[:4] == [1.0, 12.0, 12.5, 12.8]
    seen = [rewind(run, moment).branches[0] for moment in (12.0, 12.5, 12.8, 13.0)]
    running, left = (Ending.RUNNING, "", 0.0), (Ending.SUSPENDED, "worth less", 12.5)
    assert [(branch.ending, branch.reason, branch.ended) for branch in seen[:3]] == [running, left, running]
    assert [len(branch.suspensions) for branch in seen] == [0, 0, 1, 1]
    assert seen[3] == first


def test_what_the_tests_leave_open_is_known_at_the_end_alone() -> None:
    run = ambiguous()
    before = rewind(run, list_moments(run)[-2])
    assert (before.comparison, before.question, before.answers) == (None, None, ())
    assert rewind(run, run.seconds) == run


def test_a_run_without_branches_has_its_end_alone() -> None:
    run = make_run("fix-a", branches=(), seconds=0.0, verdict=Verdict.FAILED)
    assert list_moments(run) == [0.0]
    assert rewind(run, 0.0) == run
