"""`hydra doctor` on the embedded stack: every part is well, and each node answers for itself."""

import json

from tests.e2e.conftest import Hydra


def test_a_stack_of_one_machine_is_well(hydra: Hydra) -> None:
    done = hydra("doctor", "--json")
    checks = json.loads(done.stdout)
    assert done.returncode == 0, [check for check in checks if check["level"] == "fail"]
    queues = [check["text"] for check in checks if check["name"].startswith("hydra-")]
    assert len(queues) == 5
    (host,) = {text.removeprefix("polled by ") for text in queues}
    places = {check["where"] for check in checks}
    assert {f"{host} ({role})" for role in ("supervisor", "inference", "sandbox")} <= places
