from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydranet import patches
from hydranet.errors import PatchError
from hydranet.patches import Edit, Patch

OLD = "import os\n\n\ndef add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a - b\n"
FIX = """\
--- a/pkg/calc.py
+++ b/pkg/calc.py
@@ -3,3 +3,3 @@ import os
\x20
 def add(a, b):
-    return a - b
+    return a + b
"""
FILES = {"pkg/calc.py": OLD}


def replaced(path: str = "m.py", before: str = "a/", after: str = "b/") -> str:
    return f"--- {before}{path}\n+++ {after}{path}\n@@ -1 +1 @@\n-old\n+new\n"


# --- parse --------------------------------------------------------------------------------------------------


def test_parse_gives_runs_with_their_place_in_the_old_file() -> None:
    new = OLD.replace("return a - b", "return a + b", 1).replace("import os\n", "") + "\n\nNAME = 1\n"
    assert patches.parse_diff(patches.make_diff("pkg/calc.py", OLD, new)).edits == (
        Edit(file="pkg/calc.py", start=1, removed=("import os",)),
        Edit(file="pkg/calc.py", start=5, removed=("    return a - b",), added=("    return a + b",)),
        Edit(file="pkg/calc.py", start=10, added=("", "", "NAME = 1")),
    )


def test_parse_places_insertions_without_context_before_the_next_line() -> None:
    diff = "--- a/m.py\n+++ b/m.py\n@@ -4,0 +5,1 @@\n+x = 1\n"
    assert patches.parse_diff(diff).edits == (Edit(file="m.py", start=5, added=("x = 1",)),)


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_nothing_is_an_empty_patch(text: str) -> None:
    assert patches.parse_diff(text) == Patch()
    assert patches.apply_diff(text, FILES.get) == {}
    patches.check_diff(text)


@pytest.mark.parametrize(
    "text",
    [
        "I could not find the bug.",
        FIX.replace("@@ -3,3 +3,3 @@", "@@ -3,4 +3,4 @@"),
        FIX.replace("@@ -3,3 +3,3 @@", "@@ -3,2 +3,2 @@"),
        FIX.replace("-3,3", "-" + "9" * 5000 + ",3"),
        "@@ -1 +1 @@\n-a\n+b\n",
        "+++ b/m.py\n@@ -1 +1 @@\n-a\n+b\n",
        "GIT binary patch\nliteral 0\n",
        FIX + "+nul: \0\n",
        FIX + "+half a character: \ud800\n",
        "diff --git " + "a://" * 3000,
    ],
)
def test_malformed_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(PatchError, match=r"^The patch .*\S"):
        patches.parse_diff(text)
    with pytest.raises(PatchError):
        patches.check_diff(text)


def test_a_large_patch_keeps_whole_edits_and_a_digest() -> None:
    old = "".join(f"value_{n} = {n}\n" for n in range(2000))
    new = "".join(f"value_{n} = {n + 1 if n % 3 == 0 else n}\n" for n in range(2000))
    patch = patches.parse_diff(patches.make_diff("m.py", old, new))
    assert 10 < len(patch.edits) < 200
    assert len(patch.model_dump_json()) < 10_000
    assert patch.edits[0] == Edit(file="m.py", start=1, removed=("value_0 = 0",), added=("value_0 = 1",))
    assert patch.digest != ""
    other = patches.parse_diff(patches.make_diff("m.py", old, new + "end = 1\n"))
    assert other.edits == patch.edits
    assert other.digest != patch.digest


def test_a_single_large_edit_is_cut_on_both_sides() -> None:
    old, new = ("".join(f"{side}_{n} = call({n})\n" for n in range(900)) for side in ("old", "new"))
    (edit,) = patches.parse_diff(patches.make_diff("m.py", old, new)).edits
    assert edit.removed[0] == "old_0 = call(0)"
    assert edit.added[0] == "new_0 = call(0)"
    assert 20 < len(edit.removed) < 400
    assert 20 < len(edit.added) < 400
    (long,) = patches.parse_diff(patches.make_diff("m.py", "x" * 9000 + "\n", "y\n" * 3000)).edits
    assert len(long.removed[0]) <= 300


def test_long_and_strange_file_names_fit() -> None:
    patch = patches.parse_diff(
        replaced("d/" * 300 + "m.py") + replaced('"a/b\\033.py"', "", "").replace('+++ "a/', '+++ "b/')
    )
    assert patch.edits[0].file.endswith("d/m.py")
    assert patch.edits[1].file == "b?.py"


# --- check --------------------------------------------------------------------------------------------------


def test_an_ordinary_patch_passes() -> None:
    patches.check_diff(FIX, protected={"tests/test_calc.py"})
    patches.check_diff(patches.make_diff("pkg/new.py", None, "x = 1\n"))
    patches.check_diff(patches.make_diff("pkg/__init__.py", None, ""))
    patches.check_diff(patches.make_diff("pkg/calc.py", OLD, None))
    patches.check_diff(
        replaced(".github/workflows/ci.yml") + replaced(".gitignore", "", "") + replaced('"caf\\303\\251.py"', "", "")
    )


GIT = "diff --git a/m.py b/m.py\n"
REFUSED = {
    "parent": replaced("../m.py"),
    "hidden parent": replaced("pkg/../../m.py"),
    "absolute": replaced("/etc/passwd", "", ""),
    "absolute below a prefix": replaced("/etc/passwd"),
    "drive": replaced("C:/m.py"),
    "git": replaced(".git/config"),
    "git in capitals": replaced("sub/.GIT/hooks/pre-commit"),
    "git with a dot": replaced(".git./config"),
    "git by its short name": replaced("GIT~1/config"),
    "git with an invisible character": replaced(".g\u200cit/config"),
    "backslash": replaced("pkg\\m.py"),
    "control character": replaced("pkg/\x07m.py"),
    "quoted newline": replaced('"m\\n.py"', "", ""),
    "broken quotes": replaced('"m\\x.py"', "", ""),
    "no name": replaced("", "", ""),
    "the repository": replaced("."),
    "a very long name": replaced("d/" * 600 + "m.py"),
    "two names": "--- a/m.py\n+++ b/n.py\n@@ -1 +1 @@\n-old\n+new\n",
    "link": f"{GIT}new file mode 120000\n--- /dev/null\n+++ b/m.py\n@@ -0,0 +1 @@\n+/etc/passwd\n",
    "change of a link": f"{GIT}index 1234567..89abcde 120000\n{replaced()}",
    "submodule": f"{GIT}new file mode 160000\n--- /dev/null\n+++ b/m.py\n@@ -0,0 +1 @@\n+Subproject commit 1\n",
    "mode": f"{GIT}old mode 100644\nnew mode 100755\n",
    "rename": "diff --git a/m.py b/n.py\nsimilarity index 100%\nrename from m.py\nrename to n.py\n",
    "copy": "diff --git a/m.py b/n.py\nsimilarity index 100%\ncopy from m.py\ncopy to n.py\n",
    "binary": f"{GIT}index 1..2 100644\nGIT binary patch\nliteral 1\nA\n",
    "binary in words": f"{GIT}Binary files a/m.py and b/m.py differ\n",
    "no change": "--- a/m.py\n+++ b/m.py\n",
    "context only": "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n old\n",
    "neither side": "--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-old\n+new\n",
    "too large": patches.make_diff("m.py", None, "x\n" * 40_000),
    "too many files": "".join(replaced(f"m{n}.py") for n in range(31)),
    "protected": replaced("tests/test_m.py"),
    "protected, written otherwise": replaced("tests/./x/../test_m.py"),
    "protected, removed": patches.make_diff("tests/test_m.py", "old\n", None),
}


@pytest.mark.parametrize("diff", REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_applied_is_refused(diff: str) -> None:
    with pytest.raises(PatchError, match=r"^The patch .*\.$"):
        patches.check_diff(diff, protected={"tests/test_m.py"})


@pytest.mark.parametrize(
    "diff",
    [
        replaced("vendor/words/m.py"),
        replaced("vendor/./x/../words/pkg/m.py"),
        patches.make_diff("vendor/words/new.py", None, "x = 1\n"),
        patches.make_diff("vendor/words/m.py", "old\n", None),
        patches.make_diff("vendor/words", None, "x = 1\n"),
    ],
    ids=["changed", "written otherwise", "added", "removed", "put in its place"],
)
def test_a_file_in_a_submodule_is_refused(diff: str) -> None:
    with pytest.raises(PatchError, match=r"in the submodule vendor/words, which is another repository\.$"):
        patches.check_diff(diff, submodules=["vendor/more", "vendor/words"])
    patches.check_diff(replaced("vendor/words_and_more/m.py") + replaced("vendor/m.py"), submodules=["vendor/words"])


@pytest.mark.parametrize("name", ["parent", "git", "absolute", "link", "rename", "binary"])
def test_apply_refuses_it_too(name: str) -> None:
    with pytest.raises(PatchError):
        patches.apply_diff(REFUSED[name], lambda _: "old\n")


# --- apply --------------------------------------------------------------------------------------------------


def test_apply_changes_what_the_diff_says() -> None:
    assert patches.apply_diff(FIX, FILES.get) == {"pkg/calc.py": OLD.replace("a - b", "a + b", 1)}


@pytest.mark.parametrize(
    ("diff", "old"),
    [
        (FIX, OLD.replace("add(a, b)", "add(a,  b)")),
        (FIX, "\n" + OLD),
        (FIX, OLD.replace("\n", "\r\n")),
        (FIX, ""),
        (FIX, None),
        (patches.make_diff("pkg/calc.py", None, "x\n"), OLD),
        (patches.make_diff("pkg/calc.py", "import os\n", None), OLD),
        (FIX + FIX, OLD),
        (FIX.replace("-3,3 +3,3", "-90,3 +90,3"), OLD),
        (
            "--- a/pkg/calc.py\n+++ b/pkg/calc.py\n@@ -9 +9 @@\n-    return a - b\n+x\n@@ -1 +1 @@\n-import os\n+y\n",
            OLD,
        ),
        ("--- a/m\n+++ b/m\n@@ -2 +2 @@\n-end\n+END\n", "a\nend"),
        ("--- a/m\n+++ b/m\n@@ -2 +2 @@\n-end\n\\ No newline at end of file\n+END\n", "a\nend\n"),
        ("--- a/m\n+++ b/m\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n", "a\nend\n"),
    ],
    ids=[
        *("context", "shifted", "line ends", "empty", "missing", "there already", "rest", "twice", "far", "backwards"),
        *("newline", "no newline", "joined"),
    ],
)
def test_apply_is_strict(diff: str, old: str | None) -> None:
    with pytest.raises(PatchError, match=r"^The patch .*\.$"):
        patches.apply_diff(diff, lambda _: old)


def test_apply_takes_hunks_in_order_and_keeps_line_ends() -> None:
    old = "a\r\nb\r\nc\x0cd\r\ne"
    new = "A\r\nb\r\nc\x0cd\r\nE\n"
    diff = "--- a/m\n+++ b/m\n@@ -1,1 +1,1 @@\n-a\r\n+A\r\n@@ -4 +4 @@\n-e\n\\ No newline at end of file\n+E\n"
    assert patches.apply_diff(diff, lambda _: old) == {"m": new}


def test_apply_takes_empty_context_lines_without_their_space() -> None:
    assert patches.apply_diff(FIX.replace("\n \n", "\n\n"), FILES.get) == patches.apply_diff(FIX, FILES.get)


def test_apply_makes_and_deletes_files() -> None:
    made = patches.make_diff("new.py", None, "x = 1\n") + patches.make_diff("pkg/calc.py", OLD, None)
    assert patches.apply_diff(made, FILES.get) == {"new.py": "x = 1\n", "pkg/calc.py": None}


# --- round trips --------------------------------------------------------------------------------------------

texts = st.none() | st.lists(
    st.sampled_from(["a", "b", "", "-- a", "++ b", " c", "\\ No newline", "d\r", "e\x0c", "é\u2028", "@@ -1 +1 @@"]),
    max_size=12,
).flatmap(lambda rows: st.sampled_from(["\n".join(rows), "\n".join([*rows, ""])]))
paths = st.sampled_from(["m.py", "pkg/m n.py", "ä/ö.txt", "a/b/a", "b/x", "-x", "+++ b"])


@given(paths, texts, texts)
def test_diff_and_apply_round_trip(path: str, old: str | None, new: str | None) -> None:
    diff = patches.make_diff(path, old, new)
    if old == new:
        assert diff == ""
        return
    patches.check_diff(diff)
    assert patches.apply_diff(diff, {path: old}.get) == {path: new}
    edits = patches.parse_diff(diff).edits
    assert {edit.file for edit in edits} == {path}


@given(texts, texts, texts, texts)
def test_several_files_round_trip(a: str | None, b: str | None, c: str | None, d: str | None) -> None:
    diff = patches.make_diff("m.py", a, b) + patches.make_diff("n.py", c, d)
    expected = {path: new for path, old, new in (("m.py", a, b), ("n.py", c, d)) if old != new}
    assert patches.apply_diff(diff, {"m.py": a, "n.py": c}.get) == expected


@given(st.text(alphabet="ab+-@\\ \n/0123,", max_size=200), st.integers(0, len(FIX)))
def test_garbage_is_refused_or_understood(noise: str, at: int) -> None:
    for text in (noise, FIX[:at] + noise + FIX[at:]):
        with suppress(PatchError):
            patches.check_diff(text)
            assert patches.parse_diff(text).edits or not text.strip()
        with suppress(PatchError):
            assert patches.apply_diff(text, FILES.get) or not text.strip()


# --- recount ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["@@ -3,9 +3,9 @@", "@@ -3 +3 @@", "@@ -3,0 +3,2 @@"])
def test_recount_mends_wrong_line_counts(wrong: str) -> None:
    assert patches.recount_hunks(FIX) == FIX
    mended = patches.recount_hunks(FIX.replace("@@ -3,3 +3,3 @@", wrong))
    assert mended == FIX
    both = patches.recount_hunks(FIX.replace("@@ -3,3 +3,3 @@", wrong) + replaced("n.py").replace("-1 +1", "-1,4 +1,2"))
    assert patches.parse_diff(both).edits[-1] == Edit(file="n.py", start=1, removed=("old",), added=("new",))


def test_recount_leaves_other_text_alone() -> None:
    assert patches.recount_hunks("no diff\n") == "no diff\n"
