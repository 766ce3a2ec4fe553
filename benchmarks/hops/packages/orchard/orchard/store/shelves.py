"""Shelves."""


def shelf_for(crate: int, per_shelf: int = 24) -> tuple[int, int]:
    """The shelf and the place on it for a crate."""
    return divmod(crate, per_shelf)
