import pytest

from activities.retrieval import addresses


def test_code_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_CODE", ("languages", "gone.py"))
    with pytest.raises(FileNotFoundError):
        addresses.parser_version.__wrapped__()


def test_every_part_of_the_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = addresses.parser_version()
    for name in addresses._CODE:
        monkeypatch.setattr(addresses, "_CODE", (name,))
        assert addresses.parser_version.__wrapped__() != whole
