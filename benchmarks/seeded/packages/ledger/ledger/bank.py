"""Bank statements as CSV, matched with what is in the journal."""

import csv

from ledger.entries import transfer
from ledger.money import cents


def read_rows(text):
    """(day, text, cents) of `day;text;amount` lines with a header."""
    rows = csv.DictReader(text.splitlines(), delimiter=";")
    return [(row["day"], row["text"].strip(), cents(row["amount"])) for row in rows]


def account_for(text, rules, fallback):
    """The account of the first rule whose word is in the text, whatever its case."""
    for word, account in rules:
        if word.lower() in text.lower():
            return account
    return fallback


def import_bank(journal, text, bank, rules, fallback):
    """Post the rows that are not there yet; returns how many were new."""
    known = [
        (entry.day, entry.text, posting.amount)
        for entry in journal.entries()
        for posting in entry.postings
        if posting.account == bank
    ]
    new = 0
    for row in read_rows(text):
        if row in known:
            known.remove(row)
            continue
        day, label, amount = row
        other = account_for(label, rules, fallback)
        if amount < 0:
            journal.post(transfer(day, label, bank, other, -amount))
        else:
            journal.post(transfer(day, label, other, bank, amount))
        new += 1
    return new
