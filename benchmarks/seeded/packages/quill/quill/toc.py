"""The table of contents."""

from quill.blocks import Heading
from quill.escape import escape, tag


def entries(blocks, anchors, deepest=3):
    """(level, text, anchor) of the headings down to a level."""
    found = []
    for block in blocks:
        if isinstance(block, Heading):
            anchor = anchors.anchor(block.text)
            if block.level <= deepest:
                found.append((block.level, block.text, anchor))
    return found


def nested(rows):
    """Rows as a tree: (text, anchor, children); a level that is left out counts as its parent's child."""
    root = []
    open_lists = [(0, root)]
    for level, text, anchor in rows:
        while open_lists[-1][0] >= level:
            open_lists.pop()
        children = []
        open_lists[-1][1].append((text, anchor, children))
        open_lists.append((level, children))
    return root


def contents(tree):
    """The tree as nested lists, empty when there is nothing."""
    if not tree:
        return ""
    items = [
        tag("li", tag("a", escape(text), href=f"#{anchor}") + contents(children)) for text, anchor, children in tree
    ]
    return tag("ul", "".join(items))
