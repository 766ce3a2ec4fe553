"""What the members see."""

from ledger.balances import total
from ledger.money import show


def result(journal, first="", last="9999"):
    """Income less expenses."""
    return total(journal, "income", first, last) - total(journal, "expenses", first, last)


def sheet(journal, last="9999"):
    """Assets on one side, liabilities, equity and the result on the other: (left, right) in cents."""
    left = total(journal, "assets", last=last)
    right = total(journal, "liabilities", last=last) + total(journal, "equity", last=last)
    return left, right + result(journal, last=last)


def report(journal, kind, first="", last="9999", depth=2):
    """Lines of the accounts of a kind, down to a depth, with what is on them."""
    lines = []
    for name in journal.chart.below(kind):
        level = name.count(":")
        if level < depth:
            amount = total(journal, name, first, last)
            if amount:
                label = "  " * level + name.rpartition(":")[2]
                lines.append(f"{label:<24}{show(amount):>12}")
    return lines


def budget(journal, plan, first="", last="9999"):
    """By account of the plan, (planned, spent, share of it in per cent)."""
    rows = {}
    for account, planned in plan.items():
        spent = total(journal, account, first, last)
        rows[account] = (planned, spent, round(100 * spent / planned) if planned else None)
    return rows
