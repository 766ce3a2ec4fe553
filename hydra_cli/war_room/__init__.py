"""The war room: a run in a terminal of its own, with keys to steer it."""
