import pytest

from ledger.accounts import Chart, NoSuchAccount
from ledger.balances import statement, total
from ledger.bank import import_bank
from ledger.entries import Unbalanced, transfer
from ledger.journal import Closed, Journal
from ledger.reports import report, result, sheet

ACCOUNTS = ("assets:bank", "assets:cash", "expenses:rent", "expenses:food:drinks", "income:fees", "equity:start")


@pytest.fixture
def journal():
    journal = Journal(Chart(ACCOUNTS))
    journal.post(transfer("2024-01-01", "start", "equity:start", "assets:bank", 50000))
    journal.post(transfer("2024-02-01", "rent", "assets:bank", "expenses:rent", 20000))
    journal.post(transfer("2024-01-15", "fees", "income:fees", "assets:bank", 9000))
    return journal


def test_entries_are_in_order(journal):
    assert [entry.text for entry in journal.entries()] == ["start", "fees", "rent"]


def test_balances(journal):
    assert total(journal, "assets") == 39000
    assert total(journal, "income") == 9000
    assert result(journal) == -11000
    assert sheet(journal) == (39000, 39000)


def test_a_statement_begins_with_the_balance_before(journal):
    assert statement(journal, "assets:bank", first="2024-02-01") == [("2024-02-01", "rent", -20000, 39000)]


def test_what_is_wrong_is_refused(journal):
    with pytest.raises(NoSuchAccount):
        journal.post(transfer("2024-03-01", "x", "assets:bank", "expenses:fun", 1))
    entry = transfer("2024-03-01", "x", "assets:bank", "expenses:rent", 1)
    entry.postings.pop()
    with pytest.raises(Unbalanced):
        journal.post(entry)
    journal.close("2024-02-29")
    with pytest.raises(Closed):
        journal.post(transfer("2024-02-29", "x", "assets:bank", "expenses:rent", 1))


def test_a_report(journal):
    assert [line.split() for line in report(journal, "expenses")] == [["expenses", "200.00"], ["rent", "200.00"]]


def test_a_bank_statement_is_imported_once(journal):
    text = "day;text;amount\n2024-02-01;rent;-200.00\n2024-02-03;Brewery;-30.5\n"
    rules = [("brewery", "expenses:food:drinks")]
    assert import_bank(journal, text, "assets:bank", rules, "expenses:food") == 1
    assert total(journal, "expenses:food") == 3050
    assert import_bank(journal, text, "assets:bank", rules, "expenses:food") == 0
