from ledger.accounts import Chart
from ledger.balances import statement
from ledger.entries import transfer
from ledger.journal import Journal


def journal():
    made = Journal(Chart(["assets:bank", "income:fees"]))
    for day in ("2024-01-31", "2024-02-01", "2024-02-09", "2024-02-10"):
        made.post(transfer(day, day, "income:fees", "assets:bank", 100))
    return made


def test_every_first_day():
    for first, before in (("2024-02-01", 100), ("2024-02-09", 200), ("2024-02-10", 300), ("2024-01-31", 0)):
        assert statement(journal(), "assets:bank", first)[0][3] == before + 100


def test_from_the_beginning():
    assert [row[3] for row in statement(journal(), "income:fees")] == [100, 200, 300, 400]
