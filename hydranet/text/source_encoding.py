"""The encoding of a source file, as Python reads it: a byte order mark, or a declaration in the first two lines.

The text of a file has no mark. Written back, a file has the mark and the encoding that it had.
"""

import codecs
import re
import tokenize
from io import BytesIO
from posixpath import splitext

from hydranet.errors import PatchError

_PYTHON = {".py", ".pyi", ".pyw"}
# Those that hold characters and nothing else, and decode in linear time.
_KNOWN = re.compile(
    r"utf-8|ascii|iso8859-\d+|cp\d+|koi8-\w|mac-\w+|shift_jis\w*|euc_\w+|gb2312|gbk|gb18030|big5\w*|johab|kz1048"
    r"|ptcp154|tis-620"
)


def decode_source(path: str, content: bytes) -> str | None:
    """Return the text of a file; None when its encoding is not known, or would not write it back as it was."""
    encoding = _find_encoding(path, content)
    if encoding is None:
        return None
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode(encoding)
        return text if text.encode(encoding) == body else None
    except UnicodeError:
        return None


def read_text(path: str, content: bytes | None) -> str | None:
    """Return the text of a file that a patch changes, None where there is none; PatchError when it cannot be read."""
    text = None if content is None else decode_source(path, content)
    if content is not None and text is None:
        raise PatchError(f"The patch changes {path}, whose encoding is not known: it can be changed by hand alone.")
    return text


def encode_source(path: str, text: str, before: bytes | None) -> bytes:
    """Return the content of a file with a new text, in the encoding of the text and with the mark that it had `before`.

    Raises PatchError when that encoding lacks one of the characters.
    """
    mark = codecs.BOM_UTF8 if before is not None and before.startswith(codecs.BOM_UTF8) else b""
    encoding = _find_encoding(path, mark + text.encode("utf-8", "replace"))
    try:
        content = mark + text.encode(encoding or "utf-8")
    except UnicodeEncodeError as error:
        character = text[error.start : error.start + 1]
        raise PatchError(f"The patch puts {character!r} into {path}, whose encoding {encoding} lacks it.") from None
    if decode_source(path, content) != text:
        raise PatchError(f"The patch leaves {path} with a declaration of its encoding that does not hold.")
    return content


def _find_encoding(path: str, content: bytes) -> str | None:
    if splitext(path)[1] not in _PYTHON:
        return "utf-8"
    # Read as Latin-1, since it would refuse what is not ASCII in the lines before a declaration.
    head = b"\n".join(re.split(rb"\r\n|\r|\n", content[:2_000])[:2])
    mark = codecs.BOM_UTF8 if head.startswith(codecs.BOM_UTF8) else b""
    plain = mark + re.sub(rb"[^\x00-\x7f]", b"?", head.removeprefix(mark))
    try:
        name, _ = tokenize.detect_encoding(BytesIO(plain).readline)
        encoding = "utf-8" if name == "utf-8-sig" else codecs.lookup(name).name
    except (SyntaxError, LookupError):
        return None
    return encoding if _KNOWN.fullmatch(encoding) else None
