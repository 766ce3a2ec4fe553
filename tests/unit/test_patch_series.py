"""Patches made one on top of the other come to one patch, which does to every file what they do."""

import random
from itertools import pairwise

import pytest

from hydranet.errors import PatchError
from hydranet.patch_series import PatchSeries
from hydranet.patches import apply_diff, make_diff

Tree = dict[str, str]
BASE: Tree = {"a.py": "".join(f"line {number}\n" for number in range(1, 41)), "b.py": "x = 1\n", "empty.py": ""}


def diff_trees(old: Tree, new: Tree) -> str:
    return "".join(make_diff(path, old.get(path), new.get(path)) for path in sorted(old.keys() | new.keys()))


def patch_tree(tree: Tree, diff: str) -> Tree:
    changed = apply_diff(diff, tree.get) if diff else {}
    return {path: text for path, text in {**tree, **changed}.items() if text is not None}


def change(tree: Tree, path: str, line: int, *texts: str, cut: int = 1) -> Tree:
    lines = tree[path].splitlines(keepends=True)
    lines[line - 1 : line - 1 + cut] = texts
    return {**tree, path: "".join(lines)}


def make_series(*trees: Tree) -> PatchSeries:
    return PatchSeries([diff_trees(old, new) for old, new in pairwise(trees)])


def test_a_patch_alone_stays_as_it_is() -> None:
    diff = diff_trees(BASE, change(BASE, "a.py", 7, "seven\n"))
    assert PatchSeries([diff]).format() == diff
    assert PatchSeries([]).format() == ""


def test_several_come_to_what_they_do_together() -> None:
    first = change(BASE, "a.py", 7, "seven\n", "and a half\n")
    second = change(change(first, "a.py", 9, cut=2), "a.py", 30, "thirty\n")
    third = {**second, "new.py": "fresh\n"}
    del third["b.py"]
    diff = make_series(BASE, first, second, third).format()
    assert diff == diff_trees(BASE, third)
    assert patch_tree(BASE, diff) == third


def test_what_is_taken_back_is_no_change() -> None:
    first = {**change(BASE, "a.py", 7, "seven\n"), "new.py": "fresh\n"}
    assert make_series(BASE, first, BASE).format() == ""


def test_a_missing_last_newline_is_kept() -> None:
    first = {**BASE, "b.py": "x = 1\ny = 2"}
    second = {**BASE, "b.py": "x = 1\ny = 3"}
    assert make_series(BASE, first, second).format() == diff_trees(BASE, second)


def test_two_attempts_are_compared_without_their_files() -> None:
    one = change(BASE, "a.py", 7, "seven\n")
    two = change({**BASE, "new.py": "fresh\n"}, "a.py", 20, "twenty\n")
    diff = make_series(BASE, one).compare(make_series(BASE, two))
    assert patch_tree(one, diff) == two
    assert diff.count("@@ -") == 3
    assert make_series(BASE, one).compare(make_series(BASE, one)) == ""


def test_empty_files_come_and_go() -> None:
    made = {**BASE, "made.py": ""}
    gone = {path: text for path, text in made.items() if path != "empty.py"}
    diff = make_series(BASE, made, gone).format()
    assert patch_tree(BASE, diff) == gone


def test_patches_that_do_not_fit_together_are_refused() -> None:
    first = diff_trees(BASE, change(BASE, "a.py", 7, "seven\n"))
    with pytest.raises(PatchError, match=r"a line of a.py is not what the next one says"):
        PatchSeries([first, first])
    other = diff_trees({"a.py": "".join(f"row {number}\n" for number in range(1, 9))}, {"a.py": "other\n"})
    with pytest.raises(PatchError, match=r"disagree on a line of a.py"):
        PatchSeries([first]).compare(PatchSeries([other]))
    with pytest.raises(PatchError, match=r"whether b.py is there"):
        PatchSeries([diff_trees(BASE, {**BASE, "b.py": "x = 2\n"}), diff_trees({}, {"b.py": "x = 1\n"})])
    with pytest.raises(PatchError, match="no unified diff"):
        PatchSeries(["hello"])


@pytest.mark.parametrize("seed", range(60))
def test_any_series_and_any_two_of_them(seed: int) -> None:
    draw = random.Random(seed)

    def grow(tree: Tree) -> list[Tree]:
        trees = [tree]
        for _ in range(draw.randint(1, 4)):
            now = trees[-1]
            path = draw.choice(sorted(now)) if now else ""
            match draw.randint(0, 9):
                case 0:
                    now = {**now, f"n{draw.randint(0, 1)}.py": "".join(f"{draw.random()}\n" for _ in range(3))}
                case 1 if path and now[path]:
                    now = {name: text for name, text in now.items() if name != path}
                case _ if path:
                    for _ in range(draw.randint(1, 3)):
                        count = now[path].count("\n")
                        texts = [f"{draw.choice('pqr')}\n" for _ in range(draw.randint(0, 3))]
                        now = change(now, path, draw.randint(1, count + 1), *texts, cut=draw.randint(0, 3))
            trees.append(now)
        return trees

    one, two = grow(BASE), grow(BASE)
    assert patch_tree(BASE, make_series(*one).format()) == one[-1]
    assert patch_tree(one[-1], make_series(*one).compare(make_series(*two))) == two[-1]
