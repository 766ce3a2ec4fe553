from quill.blocks import Heading, Paragraph
from quill.slugs import Anchors
from quill.toc import entries


def test_deep_headings_use_up_their_anchors():
    blocks = [Heading(4, "x"), Paragraph("y"), Heading(2, "x"), Heading(5, "z"), Heading(3, "x"), Heading(1, "z")]
    assert entries(blocks, Anchors()) == [(2, "x", "x-2"), (3, "x", "x-3"), (1, "z", "z-2")]


def test_how_deep_is_the_caller_s():
    blocks = [Heading(1, "a"), Heading(2, "a"), Heading(1, "a")]
    assert entries(blocks, Anchors(), deepest=1) == [(1, "a", "a"), (1, "a", "a-3")]
