"""The reading desk: documents through a stack, changed through it too."""


class Desk:
    def __init__(self, library, stack):
        self._library = library
        self._stack = stack

    def read(self, name):
        return self._stack.get(name)

    def write(self, name, text):
        """Change a document; returns the names of the documents that have to be made again."""
        self._library.write(name, text)
        return sorted(self._stack.invalidate(name))

    def warm(self, names):
        """Read documents so that they are there; returns how many had to be made."""
        before = self._stack.made
        for name in names:
            self._stack.get(name)
        return self._stack.made - before
