"""The statements of the code graph's store, a file each."""

from functools import cache
from importlib.resources import files


@cache
def load_statement(name: str) -> bytes:
    """Return the statement in `<name>.sql`."""
    return files("activities.retrieval.sql").joinpath(f"{name}.sql").read_bytes()
