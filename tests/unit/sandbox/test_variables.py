"""The masking of variables in whatever comes back from a sandbox."""

import json
import re

import pytest

from activities.sandbox.protocol import Execution
from activities.sandbox.variables import Variables

TOKEN = "p@ss/w0rd 'quoted' über"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nabc\n-----END KEY-----\n"
VARIABLES = Variables({"TOKEN": TOKEN, "PEM": PEM, "SHORT": "on", "PYTHONPATH": "/work/src:/work/lib"}, "1")


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        repr(TOKEN),
        json.dumps({"token": TOKEN}),
        "https://user:p%40ss%2Fw0rd%20%27quoted%27%20%C3%BCber@host",
        f"E   AssertionError: {TOKEN}, not {TOKEN}",
        TOKEN.replace("w0", "w\x1b[0m0"),
        repr(PEM),
        "\n".join(f"E   {line}" for line in PEM.splitlines()),
    ],
)
def test_a_value_is_masked_however_it_is_printed(text: str) -> None:
    masked = VARIABLES.mask(f"before {text} after")
    assert not re.search(r"w0rd|MIIE|BEGIN", masked)
    assert re.search(r"^before .*<sandbox\.env\.(?:TOKEN|PEM)>.* after$", masked, re.DOTALL)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("FAILED test_a.py - E: hush-hush-4...", "FAILED test_a.py - E: <sandbox.env.A>..."),
        ("'hush-hush...h-4711-z' and on", "'<sandbox.env.A>...<sandbox.env.A>' and on"),
        ("printed hush-hush-4711", "printed <sandbox.env.A>"),
        ("sh-4711-z is the end", "<sandbox.env.A> is the end"),
        ("hush-hush is said ... 4711-z", "hush-hush is said ... 4711-z"),
    ],
)
def test_a_value_that_is_cut_is_masked(text: str, masked: str) -> None:
    assert Variables({"A": "hush-hush-4711-z"}, "1").mask(text) == masked


@pytest.mark.parametrize("text", ["it is on", "/work/src/a.py:3: in f", "/work/lib/b.py", "abc"])
def test_short_values_and_places_in_the_sandbox_stay(text: str) -> None:
    assert VARIABLES.mask(text) == text


@pytest.mark.parametrize("value", ["/home/me/secret", "/work/src:hunter2hunter2", "x/work/abcdefgh", "/tmp/ hunter2"])
def test_what_only_begins_like_a_place_is_masked(value: str) -> None:
    assert Variables({"A": value}, "1").mask(f"<{value}>") == "<<sandbox.env.A>>"


def test_a_record_is_masked_but_for_names_of_files() -> None:
    variables = Variables({"MODE": "production"}, "1")
    record = {
        "kind": "values",
        "file": "production.py",
        "id": "test_production.py::test_a[production]",
        "values": [[3, ["in production"]], [4, [7, None, {"deep": "production"}]]],
    }
    assert variables.mask_record(record) == {
        "kind": "values",
        "file": "production.py",
        "id": "test_production.py::test_a[<sandbox.env.MODE>]",
        "values": [[3, ["in <sandbox.env.MODE>"]], [4, [7, None, {"deep": "<sandbox.env.MODE>"}]]],
    }
    assert variables.unmask("test_production.py::test_a[<sandbox.env.MODE>]") == record["id"]


def test_how_a_command_ended_is_masked() -> None:
    ended = Execution(1, f"x {TOKEN}", reason=f"killed {TOKEN}", refused_hosts=(f"{TOKEN}:443",))
    masked = VARIABLES.mask_execution(ended)
    assert "w0rd" not in repr(masked)
    assert masked.exit_status == 1


def test_nothing_is_told_of_the_values_by_their_own_description() -> None:
    assert "w0rd" not in repr(VARIABLES)
