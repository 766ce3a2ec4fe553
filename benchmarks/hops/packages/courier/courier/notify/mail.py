"""Mails."""

from courier.people.person import Person


def mail(person: Person, subject: str, text: str) -> str:
    """A mail as it is handed to the mail server."""
    return f"To: {person.address}\nSubject: {subject}\n\n{text}\n"
