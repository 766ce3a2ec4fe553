"""Weights that make a sample look like the whole."""

from tally.groups import Groups


def weigh(table, column, shares):
    """The table with a column `weight`: by the share a group should have, and the one it has.

    Rows of groups that `shares` does not name weigh nothing.
    """
    sizes = {key[0]: len(rows) for key, rows in Groups(table, [column])}
    everybody = sum(size for name, size in sizes.items() if name in shares)
    weights = {name: shares[name] * everybody / sizes[name] for name in shares if name in sizes}
    return table.with_column("weight", lambda row: weights.get(row[column], 0))


def effective_size(weights):
    """How many unweighted answers say as much (Kish)."""
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else 0
