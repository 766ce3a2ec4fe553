"""Rows put together by what they have in common."""

from tally.table import Table


class Groups:
    """A table by the values of some columns; groups are in the order of their first rows."""

    def __init__(self, table, by):
        self.table = table
        self.by = tuple(by)
        self._rows = {}
        for row in table.rows:
            key = tuple(row[name] for name in self.by)
            self._rows.setdefault(key, []).append(row)

    def __iter__(self):
        for key, rows in self._rows.items():
            yield key, Table(self.table.columns, rows)

    def __len__(self):
        return len(self._rows)

    def aggregate(self, **measures):
        """A row for each group, with new columns: name=(column, measure)."""
        made = Table([*self.by, *measures])
        for key, rows in self:
            row = dict(zip(self.by, key))
            for name, (column, measure) in measures.items():
                row[name] = measure(rows.column(column))
            made.add(row)
        return made

    def largest(self, number=1):
        """The keys of the groups with the most rows, the earlier of equals first."""
        sizes = sorted(self._rows, key=lambda key: -len(self._rows[key]))
        return sizes[:number]


def pivot(table, down, across, column, measure):
    """A row for each value of `down` and a column for each of `across`, with a measure of `column` in the cells."""
    heads = list(dict.fromkeys(table.column(across)))
    made = Table([down, *map(str, heads)])
    for (value,), rows in Groups(table, [down]):
        row = {down: value}
        for head in heads:
            cell = rows.where(lambda one, head=head: one[across] == head)
            row[str(head)] = measure(cell.column(column)) if len(cell) else None
        made.add(row)
    return made
