"""How changes read in a line."""

import pytest

from activities.inference.prompt_values import describe_change


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("-    return a\n+    return b", "return a → return b"),
        ("+import heapq\n+\n-    for x in arr:\n+    for x in arr[k:]:", "for x in arr: → for x in arr[k:]:"),
        ("-import os\n-\n-x = 1\n+x = 2\n+import os", "x = 1 → x = 2"),
        ("+    if not a:\n+        return", "nothing → if not a:"),
        ("-    pass", "pass → nothing"),
        ("-a\n+\n+a", "nothing → nothing"),
        ("-" + "a" * 300 + "\n+b", "a" * 79 + "… → b"),
    ],
)
def test_a_change_is_told_by_the_lines_that_are_most_alike(lines: str, told: str) -> None:
    assert describe_change(f"--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n{lines}\n") == told
