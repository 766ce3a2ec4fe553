"""The edit format "file": the whole file anew."""

from collections.abc import Mapping

from tree_sitter import Tree

from activities.code import python_syntax
from activities.inference.edits.blocks import EditTarget, parse_blocks


def apply(answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str] | None:  # noqa: ARG001
    """Return the files that a block labelled with their path holds as a whole; None when there is no such block.

    A block that has fewer definitions or statements than the file is a part of it, not the file.
    """
    changed: dict[str, str] = {}
    for block in parse_blocks(answer):
        path = block.path(sources)
        if path is None or not _covers(path, block.code, sources[path]):
            continue
        code = _without_label(block.code, path)
        if code.strip() != sources[path].strip():
            changed[path] = code.rstrip() + "\n"
    return changed or None


def _covers(path: str, code: str, source: str) -> bool:
    if not path.endswith(".py"):
        return True
    there, given = python_syntax.parse_python(source), python_syntax.parse_python(code)
    names = {definition.name for definition in python_syntax.list_definitions(there)}
    if not names <= {definition.name for definition in python_syntax.list_definitions(given)}:
        return False
    own, others = _statements(there), _statements(given)
    return 2 * len(own & others) >= len(own) >= len(others)


def _statements(tree: Tree) -> set[bytes]:
    return {
        node.text or b""
        for node in tree.root_node.named_children
        if node.type != "comment" and not node.type.endswith(("_definition", "import_statement"))
        if not node.type.startswith("import_from")
    }


def _without_label(code: str, path: str) -> str:
    first, _, rest = code.partition("\n")
    is_label = first.startswith("#") and first.strip("# \t").endswith(path.rpartition("/")[2])
    return rest if is_label else code
