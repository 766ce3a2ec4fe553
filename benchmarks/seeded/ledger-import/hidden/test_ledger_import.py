from ledger.accounts import Chart
from ledger.balances import total
from ledger.bank import import_bank
from ledger.journal import Journal


def test_three_equal_rows_over_two_statements():
    journal = Journal(Chart(["assets:bank", "income:fees"]))
    head, row = "day;text;amount\n", "2024-02-05;fee;10\n"
    assert import_bank(journal, head + row, "assets:bank", [], "income:fees") == 1
    assert import_bank(journal, head + 3 * row, "assets:bank", [], "income:fees") == 2
    assert import_bank(journal, head + 3 * row, "assets:bank", [], "income:fees") == 0
    assert total(journal, "income:fees") == 3000
