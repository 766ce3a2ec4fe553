import pytest

from activities.retrieval import content_keys


def test_code_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_keys, "_CODE", ("languages", "gone.py"))
    with pytest.raises(FileNotFoundError):
        content_keys.parser_version.__wrapped__()


def test_every_part_of_the_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = content_keys.parser_version()
    for name in content_keys._CODE:
        monkeypatch.setattr(content_keys, "_CODE", (name,))
        assert content_keys.parser_version.__wrapped__() != whole
