"""Accounts in a tree: `assets:bank:giro`."""

# What a positive balance means: debit for the first two, credit for the rest.
KINDS = ("assets", "expenses", "income", "liabilities", "equity")


class NoSuchAccount(KeyError):
    """An account that was never opened."""


class Chart:
    """The accounts that there are."""

    def __init__(self, names=()):
        self._names = set(KINDS)
        for name in names:
            self.open(name)

    def open(self, name):
        """Open an account and those above it."""
        parts = name.split(":")
        if parts[0] not in KINDS:
            raise ValueError(f"no such kind of account: {parts[0]}")
        for length in range(1, len(parts) + 1):
            self._names.add(":".join(parts[:length]))

    def check(self, name):
        if name not in self._names:
            raise NoSuchAccount(name)
        return name

    def names(self):
        return sorted(self._names)

    def below(self, name):
        """An account and all that are part of it."""
        self.check(name)
        return [other for other in self.names() if other == name or other.startswith(name + ":")]


def is_debit(name):
    """Whether the account grows on the debit side."""
    return name.split(":")[0] in KINDS[:2]
