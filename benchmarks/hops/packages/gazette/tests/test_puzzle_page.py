from gazette.puzzles.page import PuzzlePage
from gazette.puzzles.schedule import Schedule


def test_a_solution_comes_two_issues_after_its_crossword():
    page = PuzzlePage(Schedule(["A", "B", "C", "D", "E"]))
    assert page.solution(3) == page.crossword(1)
    assert page.solution(1) == "E"
