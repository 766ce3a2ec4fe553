"""Files in every encoding that Python reads: their text, and their bytes when they are written back."""

import ast
import codecs

import pytest

from hydranet.errors import PatchError
from hydranet.text.source_encoding import decode_source, encode_source

CODE = "# {}\nPRICE = '{}'\n\x0c\ndef f():\n    return 1\n"


@pytest.mark.parametrize(
    ("declaration", "encoding", "word"),
    [
        ("plain", "utf-8", "été 主"),
        ("-*- coding: latin-1 -*-", "latin-1", "été"),
        ("vim: set fileencoding=cp1252 :", "cp1252", "été €"),
        ("coding: iso-8859-15", "iso8859-15", "été €"),
        ("coding=shift_jis", "shift_jis", "価格"),
        ("coding: euc-kr", "euc_kr", "가격"),
        ("coding: koi8-r", "koi8-r", "цена"),
        ("coding: utf-8-sig", "utf-8", "été"),
        ("coding: gb18030", "gb18030", "价格"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_file_is_read_and_written_back_as_it_was(declaration: str, encoding: str, word: str, ends: str) -> None:
    content = CODE.format(declaration, word).replace("\n", ends).encode(encoding)
    text = decode_source("a.py", content)
    assert text == CODE.format(declaration, word).replace("\n", ends)
    assert encode_source("a.py", text, content) == content
    changed = encode_source("a.py", text.replace("return 1", "return 2"), content)
    assert changed == content.replace(b"return 1", b"return 2")
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(content))


def test_a_mark_is_no_part_of_the_text_and_stays() -> None:
    content = codecs.BOM_UTF8 + "x = 'é'\n".encode()
    for path in ("a.py", "a.ts", "README"):
        assert decode_source(path, content) == "x = 'é'\n"
        assert encode_source(path, "x = 'è'\n", content) == codecs.BOM_UTF8 + "x = 'è'\n".encode()
    assert encode_source("new.py", "x = 'è'\n", None) == "x = 'è'\n".encode()


@pytest.mark.parametrize(
    "content",
    [
        b"x = '\xe9'\n",
        b"# coding: no-such-thing\n",
        b"# coding: utf-7\nx = '+ZeVnLIqe-'\n",
        b"# coding: rot13\n",
        b"# coding: idna\n",
        b"# coding: shift_jis\nx = '\x85\x5f\x80'\n",
        codecs.BOM_UTF8 + b"# coding: latin-1\n",
    ],
)
def test_what_python_does_not_read_or_no_one_could_write_back_is_left_out(content: bytes) -> None:
    assert decode_source("a.py", content) is None


def test_a_declaration_counts_in_the_first_two_lines_of_python_alone() -> None:
    late = b"\n\n# coding: latin-1\nx = '\xe9'\n"
    assert decode_source("a.py", late) is None
    assert decode_source("a.py", late[1:]) is not None
    assert decode_source("a.ts", b"// coding: latin-1 \xe9\n") is None


def test_a_character_that_the_encoding_lacks_and_a_false_declaration_are_refused() -> None:
    content = "# coding: latin-1\nx = 'é'\n".encode("latin-1")
    with pytest.raises(PatchError, match=r"puts '€' into a\.py, whose encoding iso8859-1 lacks it"):
        encode_source("a.py", "# coding: latin-1\nx = '€'\n", content)
    with pytest.raises(PatchError, match="declaration of its encoding that does not hold"):
        encode_source("a.py", "# coding: no-such-thing\nx = 'é'\n", content)
    # Without the declaration it becomes UTF-8, as Python would read it.
    assert encode_source("a.py", "x = 'é'\n", content) == "x = 'é'\n".encode()
