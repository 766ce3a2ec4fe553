"""Python."""

import re

from activities.code import python_syntax
from activities.code.language import Definition, Fault, Import, Language, read_text


class Python(Language):
    """Python, by its own grammar and tree-sitter's."""

    name = "Python"
    suffixes = (".py", ".pyi")
    fence = "python"
    comment = "#"
    has_templates = True
    head = re.compile(r"\s*(?:async\s+)?(?:def|class)\s+\w+")

    def list_definitions(self, source: str) -> list[Definition]:
        """List functions, classes, methods and module-level variables in the order of the file."""
        return python_syntax.list_definitions(python_syntax.parse_python(source))

    def list_imports(self, source: str) -> list[Import]:
        """List the imports of a file, wherever they stand."""
        return python_syntax.list_imports(python_syntax.parse_python(source))

    def list_identifiers(self, source: str, first: int, last: int) -> set[str]:
        """Return the names, attributes included, in the lines `first` to `last`."""
        return python_syntax.list_identifiers(python_syntax.parse_python(source), first, last)

    def list_statement_lines(self, source: str, first: int, last: int) -> list[int]:
        """Return the lines among `first` to `last` in which a statement, or a clause of one, begins."""
        return python_syntax.list_statement_lines(python_syntax.parse_python(source), first, last)

    def list_statements(self, source: str) -> set[str]:
        """Return the statements at the level of the module that define and import nothing."""
        return {
            read_text(node)
            for node in python_syntax.parse_python(source).root_node.named_children
            if node.type != "comment" and not node.type.endswith(("_definition", "import_statement"))
            if not node.type.startswith("import_from")
        }

    def find_fault(self, source: str) -> Fault | None:
        """Return the first syntax error by this interpreter's grammar."""
        return python_syntax.find_fault(source)

    def find_new_fault(self, old: str, new: str) -> Fault | None:
        """Return the syntax error that `new` has and `old` has not."""
        return python_syntax.find_new_fault(old, new)

    def find_import_end(self, source: str) -> int:
        """Return the last line of the imports and the docstring at the top of a file, 0 without any."""
        return python_syntax.find_import_end(source)

    def is_same_code(self, old: str, new: str) -> bool:
        """Return whether two sources differ only in comments, layout and docstrings that nothing reads."""
        return python_syntax.is_same_code(old, new)

    def is_torn(self, definition: Definition, lines: list[str]) -> bool:
        """Return whether lines of the body follow a definition, since a syntax error ended it too early."""
        depth = _measure_indentation(lines[definition.start - 1])
        for line in lines[definition.last :]:
            if line.strip() and _measure_indentation(line) <= depth:
                return False
            if line.strip() and not line.lstrip().startswith("#"):
                return True
        return False


def _measure_indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


LANGUAGES = (Python(),)
