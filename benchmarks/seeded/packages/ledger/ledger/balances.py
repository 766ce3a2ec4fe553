"""What is on the accounts."""

from ledger.accounts import is_debit


def balances(journal, first="", last="9999"):
    """By account, the sum of its own postings in some days."""
    totals = {}
    for entry in journal.entries(first, last):
        for posting in entry.postings:
            totals[posting.account] = totals.get(posting.account, 0) + posting.amount
    return totals


def total(journal, account, first="", last="9999"):
    """The balance of an account with all that are part of it, positive on its own side."""
    own = balances(journal, first, last)
    amount = sum(own.get(name, 0) for name in journal.chart.below(account))
    return amount if is_debit(account) else -amount


def statement(journal, account, first="", last="9999"):
    """Rows (day, text, amount, balance after) of an account and its parts, from its balance before on."""
    accounts = set(journal.chart.below(account))
    side = 1 if is_debit(account) else -1
    earlier = [posting for entry in journal.before(first) for posting in entry.postings]
    running = side * sum(posting.amount for posting in earlier if posting.account in accounts)
    rows = []
    for entry in journal.entries(first, last):
        if entry.touches(accounts):
            amount = side * sum(posting.amount for posting in entry.postings if posting.account in accounts)
            running += amount
            rows.append((entry.day, entry.text, amount, running))
    return rows
