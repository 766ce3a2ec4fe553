"""The facts of a file by name, as resolution asks for them."""

from __future__ import annotations

from functools import cached_property

from activities.retrieval.file_facts import MODULE, Body, DefinitionFact, FileFacts, Literal, Use
from hydranet.code_graph.model import NodeKind, format_node_id


class SymbolTable:
    """The definitions, variables and imports of one file by the names that they are known by."""

    def __init__(self, path: str, facts: FileFacts) -> None:
        self.path = path
        self.facts = facts
        self.definitions: dict[tuple[int, str], list[int]] = {}
        for number, definition in enumerate(facts.definitions):
            self.definitions.setdefault((definition.owner, definition.own_name), []).append(number)
        self.variables = {(variable.owner, variable.name): variable.values for variable in facts.variables}
        self.imports: dict[str, list[int]] = {}
        for number, needed in enumerate(facts.imports):
            if needed.alias:
                self.imports.setdefault(needed.alias, []).append(number)

    @cached_property
    def _body(self) -> Body:
        return self.facts.body()

    @property
    def uses(self) -> tuple[Use, ...]:
        """The expressions that the file calls or names."""
        return self._body.uses

    @property
    def literals(self) -> tuple[Literal, ...]:
        """The strings that may be keys."""
        return self._body.literals

    @cached_property
    def fixtures(self) -> dict[str, list[int]]:
        """The definitions that give the value of a test's parameter, by its name."""
        fixtures: dict[str, list[int]] = {}
        for (_, name), numbers in self.definitions.items():
            for number in numbers:
                if is_fixture(self.facts.definitions[number]):
                    fixtures.setdefault(name, []).append(number)
        return fixtures

    @cached_property
    def methods(self) -> dict[int, list[tuple[str, int]]]:
        """The name and number of each method of a class, of equal ones the first."""
        methods: dict[int, list[tuple[str, int]]] = {}
        for (owner, name), numbers in self.definitions.items():
            if self.facts.definitions[numbers[0]].kind is NodeKind.METHOD:
                methods.setdefault(owner, []).append((name, numbers[0]))
        return methods

    @cached_property
    def ids(self) -> list[str]:
        """The node ids of the definitions."""
        return [format_node_id(self.path, definition.name) for definition in self.facts.definitions]

    @cached_property
    def module_id(self) -> str:
        """The node id of the file."""
        return format_node_id(self.path, "")

    @cached_property
    def block_id(self) -> str:
        """The node id of the code outside of definitions, of the file when there is none."""
        return format_node_id(self.path, self.facts.block.name if self.facts.block else "")

    def source_id(self, owner: int) -> str:
        """Return the node id of what a use belongs to."""
        return self.block_id if owner == MODULE else self.ids[owner]

    def exports(self, name: str) -> bool:
        """Return whether `from module import *` makes a name known."""
        return not name.startswith("_") if self.facts.exports is None else name in self.facts.exports

    def klass(self, number: int) -> int | None:
        """Return the class that a definition is, or stands in."""
        definition = self.facts.definitions[number] if number != MODULE else None
        if definition is None:
            return None
        return number if definition.kind == "class" else (definition.owner if definition.owner != MODULE else None)


def is_fixture(definition: DefinitionFact) -> bool:
    """Return whether pytest calls a function for the value of a test's parameter."""
    return any("fixture" in each for each in definition.decorators)
