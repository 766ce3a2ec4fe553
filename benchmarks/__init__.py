"""What the documentation's figures were measured with; each script is run as a module from the project's root."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from hydranet.errors import HydraError


def run(main: Callable[[], Coroutine[Any, Any, None] | None]) -> None:
    """Run a script; a HydraError is one sentence on standard error and exit code 2."""
    try:
        work = main()
        if work is not None:
            asyncio.run(work)
    except HydraError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
