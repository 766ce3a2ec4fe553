"""The definition of the namespace, and what else speaks of it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from hydranet.contracts import SEARCH_ATTRIBUTES
from hydranet.settings import TemporalSettings
from workers.namespace import AdminCommands, load_definition

ROOT = Path(__file__).parents[3]
# The client's names for Temporal's types.
KINDS = {"keyword": "Keyword", "int": "Int", "float": "Double", "datetime": "Datetime"}


def test_the_definition_has_the_attributes_that_the_code_expects() -> None:
    assert load_definition().search_attributes == SEARCH_ATTRIBUTES


def test_the_code_writes_these_attributes_and_no_others() -> None:
    sources = [path.read_text() for package in ("workflows", "hydra_cli") for path in (ROOT / package).rglob("*.py")]
    keys = [key for source in sources for key in re.findall(r'SearchAttributeKey\.for_(\w+)\("(\w+)"\)', source)]
    assert {name: KINDS[kind] for kind, name in keys} == SEARCH_ATTRIBUTES


def test_sql_visibility_has_room_for_them() -> None:
    room = Counter({"Int": 3, "Double": 3, "Keyword": 10, "Datetime": 3})
    assert Counter(load_definition().search_attributes.values()) <= room


def test_the_namespace_is_the_one_of_the_settings() -> None:
    assert load_definition().namespace == TemporalSettings().namespace


@pytest.mark.parametrize("address", ["runs.a1b2c.tmprl.cloud:7233", "us-east-1.aws.api.temporal.io:7233"])
def test_temporal_cloud_has_commands_of_its_own(address: str) -> None:
    commands = AdminCommands(address, "runs.a1b2c", 30)
    assert commands.create_namespace() == (
        "tcld namespace create --namespace runs.a1b2c --region REGION --retention-days 30"
    )
    assert commands.set_retention() == "tcld namespace retention set --namespace runs.a1b2c --retention-days 30"
    assert commands.add_search_attributes({"A": "Int", "B": "Keyword"}) == (
        "tcld namespace search-attributes add --namespace runs.a1b2c --sa A=Int --sa B=Keyword"
    )
    assert commands.remove_search_attribute("A").startswith("tcld ")


@pytest.mark.parametrize("address", ["127.0.0.1:7233", "temporal.example:7233", "tmprl.cloud.example:7233"])
def test_other_servers_have_those_of_the_temporal_command(address: str) -> None:
    commands = AdminCommands(address, "a name", 30)
    assert commands.create_namespace() == "temporal operator namespace create --namespace 'a name' --retention 30d"
