"""Tables of rows, read from and written as CSV."""

import csv
import io


class NoSuchColumn(KeyError):
    """A column that the table does not have."""


class Table:
    """Columns and rows; a row is a dict of all columns, None where nothing was answered."""

    def __init__(self, columns, rows=()):
        self.columns = list(columns)
        self.rows = []
        for row in rows:
            self.add(row)

    def add(self, row):
        unknown = [name for name in row if name not in self.columns]
        if unknown:
            raise NoSuchColumn(unknown[0])
        self.rows.append({name: row.get(name) for name in self.columns})

    def __len__(self):
        return len(self.rows)

    def column(self, name):
        """The values of a column, in order."""
        if name not in self.columns:
            raise NoSuchColumn(name)
        return [row[name] for row in self.rows]

    def where(self, wanted):
        """The table with the rows for which `wanted` holds."""
        return Table(self.columns, [row for row in self.rows if wanted(row)])

    def with_column(self, name, make):
        """The table with one more column, or another one, made of each row."""
        columns = self.columns if name in self.columns else [*self.columns, name]
        return Table(columns, [{**row, name: make(row)} for row in self.rows])

    def sorted(self, name, descending=False):
        """The rows by a column; those without a value come last."""
        known = [row for row in self.rows if row[name] is not None]
        empty = [row for row in self.rows if row[name] is None]
        return Table(self.columns, sorted(known, key=lambda row: row[name], reverse=descending) + empty)


def parse_value(text):
    """A number where it is one, None where there is nothing."""
    text = text.strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def read_csv(text):
    reader = csv.reader(io.StringIO(text.strip()))
    columns = [name.strip() for name in next(reader)]
    return Table(columns, [dict(zip(columns, map(parse_value, values))) for values in reader])


def write_csv(table):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow(["" if row[name] is None else row[name] for name in table.columns])
    return out.getvalue()
