"""The log of an open run as it grows."""

from contextlib import aclosing

from activities.history.entry_stream import EntryStream
from activities.history.events import Entry, list_entries
from tests.workflows.conftest import Start
from tests.workflows.world import Held, World, failed, passed, strategy


async def test_it_comes_to_the_log_of_the_ended_run_also_after_a_break(start: Start) -> None:
    held = Held()
    world = World(
        rounds=[[strategy("one"), strategy("two")]],
        trials={"one": [failed("x"), failed("y")], "two": [failed("z"), passed()]},
        on={"implement": held},
    )
    run = await start(world, parallel_branches=2)
    stream, entries = EntryStream(run.handle.id), list[Entry]()
    async with aclosing(stream.read(run.client)) as batches:
        async for batch in batches:
            entries += batch
            if any(entry.get("call") == "plan" for entry in batch):
                break
    assert entries[0]["event"] == "started"
    held.released.set()
    async for batch in stream.read(run.client):
        assert batch == sorted(batch, key=lambda entry: str(entry["time"]))
        entries += batch
    assert entries[-1]["event"] == "ended"
    whole = await list_entries(run.client, run.handle.id)
    assert sorted(map(str, entries)) == sorted(map(str, whole))
    # The log has one more where the branch that lost was cancelled before a worker took its call.
    assert [entry.get("call") for entry in whole].count("implement") >= world.calls["implement"] > 1
