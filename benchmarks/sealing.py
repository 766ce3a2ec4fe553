"""Measure what sealing adds to an activity: its request and its result, each sealed once and opened once.

python -m benchmarks.sealing
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from temporalio.api.common.v1 import Payload

from hydranet.settings import Settings
from workers.sealing import SealingCodec, load_keys

SIZES_KB = (1, 20, 200)
ROUNDS = 200


async def measure(codec: SealingCodec, size: int) -> float:
    """Return the milliseconds of one activity whose request and result have `size` KB."""
    # Half of it compresses, as code does; the rest does not.
    payload = Payload(metadata={"encoding": b"json/plain"}, data=os.urandom(size * 512).hex()[: size * 1024].encode())
    began = time.perf_counter()
    for _ in range(2):
        await codec.decode(await codec.encode([payload]))
    return 1e3 * (time.perf_counter() - began)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        codec = SealingCodec(load_keys(Settings(data_dir=Path(folder))))
        for size in SIZES_KB:
            taken = [await measure(codec, size) for _ in range(ROUNDS)]
            print(f"{size:4} KB  {median(taken):.2f} ms an activity (median of {ROUNDS}, up to {max(taken):.2f})")


if __name__ == "__main__":
    asyncio.run(main())
