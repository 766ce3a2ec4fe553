"""Python files, by tree-sitter."""

from tree_sitter import Parser

from activities.retrieval.file_facts import FileFacts
from activities.retrieval.languages.python.definitions import read_module
from activities.retrieval.languages.python.expressions import LANGUAGE
from hydranet.text.source_encoding import decode_source


def parse(source: bytes) -> FileFacts:
    """Return the facts of a Python file."""
    text = decode_source("module.py", source)
    source = (source.decode("utf-8", "replace") if text is None else text).encode()
    root = Parser(LANGUAGE).parse(source).root_node
    return read_module(source, root).facts()
