import pytest

from larder.names import normal


def test_hyphens_and_spaces_are_the_same():
    assert normal("Free-Range  Eggs") == normal("free range egg") == "free range egg"


def test_a_name_of_spaces_is_none():
    with pytest.raises(ValueError):
        normal("  ")


def test_spaces_around_do_not_matter():
    assert normal(" Bay Leaves ") == "bay leaf"
