from quill.blocks import Heading, Paragraph
from quill.reader import read


def test_headings_of_any_level_end_a_paragraph():
    assert read("a\nb\n### c\nd\n") == [Paragraph("a b"), Heading(3, "c"), Paragraph("d")]


def test_a_hash_within_is_no_heading():
    assert read("issue #3\n#nope\nend\n") == [Paragraph("issue #3 #nope end")]
