"""Tables as text."""


def cell(value, digits=1):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return str(value)


def text(table, digits=1):
    """Columns as wide as they need to be, numbers on the right."""
    rows = [[cell(row[name], digits) for name in table.columns] for row in table.rows]
    widths = [max(len(line[at]) for line in [table.columns, *rows]) for at in range(len(table.columns))]
    numeric = [all(isinstance(value, (int, float, type(None))) for value in table.column(name)) for name in table.columns]
    lines = []
    for line in [table.columns, *rows]:
        words = [
            word.rjust(width) if right else word.ljust(width) for word, width, right in zip(line, widths, numeric)
        ]
        lines.append("  ".join(words).rstrip())
    return "\n".join(lines)
