"""Results that workflows do not take."""

from tests.contract_parts import find_activities
from workers.sealed_results import list_result_types


def test_the_result_of_every_activity_is_looked_at() -> None:
    assert list_result_types().keys() == {name for name, _ in find_activities()}
