"""Which cells use which."""

from collections.abc import Iterable


class Links:
    """For each cell those that it uses and those that use it."""

    def __init__(self) -> None:
        self._uses: dict[str, set[str]] = {}
        self._users: dict[str, set[str]] = {}

    def replace(self, cell: str, uses: Iterable[str]) -> None:
        """Say what a cell uses from now on, in place of what it used before."""
        for other in self._uses.get(cell, set()):
            self._users[other].discard(cell)
        self._uses[cell] = set(uses)
        for other in self._uses[cell]:
            self._users.setdefault(other, set()).add(cell)

    def users(self, cell: str) -> set[str]:
        """Return the cells that use a cell directly."""
        return set(self._users.get(cell, set()))

    def affected(self, cell: str) -> set[str]:
        """Return all cells that depend on a cell, also through others; itself only where there is a circle."""
        result: set[str] = set()
        waiting = [cell]
        while waiting:
            for user in self.users(waiting.pop()) - result:
                result.add(user)
                waiting.append(user)
        return result
