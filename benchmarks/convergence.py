"""How long a convergence score takes: 50 attempts with 200-line patches; the goal is 1 ms per score.

Run with `python -m benchmarks.convergence`. Patches are measured as they cross a task queue, cut at about
4,000 bytes by the parser, and uncut. The baseline compares the changed lines of the same patches, pair for
pair, with difflib, which is what a score without an edit-distance library would do.
"""

import statistics
import time
from collections.abc import Callable
from difflib import SequenceMatcher

from hydranet import patches
from hydranet.convergence import patch_similarity, score
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.score import Attempt
from hydranet.patches import Edit, Patch
from hydranet.run_settings import ConvergenceSettings

ATTEMPTS, LINES = 50, 200
OLD = [f"    total_{line} = total_{line} + item.price * {line}\n" for line in range(LINES // 2)]


def new(number: int) -> list[str]:
    """The lines that attempt `number` makes of the old ones, some of them unlike in every attempt."""
    rates = [number if line % 7 == 0 else line for line in range(len(OLD))]
    return [f"    total_{line} = add(total_{line}, item.price, rate={rate})\n" for line, rate in enumerate(rates)]


def parsed(number: int) -> Patch:
    """The patch of attempt `number` as production has it."""
    return patches.parse_diff(patches.make_diff("shop/cart.py", "".join(OLD), "".join(new(number))))


def uncut(number: int) -> Patch:
    """The same patch with all of its lines."""
    return Patch(edits=(Edit(file="shop/cart.py", start=1, removed=tuple(OLD), added=tuple(new(number))),))


def attempts(make: Callable[[int], Patch]) -> list[Attempt]:
    """A branch that circles: all attempts fail with the same error."""
    error = ErrorSignature(type="TypeError", message="unsupported operand", file="shop/cart.py", function="total")
    return [Attempt(patch=make(number), error=error, failing_tests=("test_total",)) for number in range(ATTEMPTS)]


def forget() -> None:
    """Empty the caches."""
    patch_similarity.measure_similarity.cache_clear()
    patch_similarity._shape.cache_clear()
    patch_similarity._line.cache_clear()


def microseconds(branch: list[Attempt]) -> float:
    """What one score of the last attempt takes."""
    began = time.perf_counter()
    score.score_attempt(branch)
    return (time.perf_counter() - began) * 1e6


def with_difflib(branch: list[Attempt]) -> float:
    """What difflib takes to compare the last attempt's text with those in the window."""
    window = ConvergenceSettings().window
    texts = ["\n".join((*edit.removed, *edit.added)) for a in branch[-window - 1 :] for edit in a.patch.edits]
    began = time.perf_counter()
    for earlier in texts[:-1]:
        SequenceMatcher(None, earlier, texts[-1]).ratio()
    return (time.perf_counter() - began) * 1e6


def main() -> None:
    """Print the figures."""
    print(f"{ATTEMPTS} attempts, {LINES}-line patches, microseconds per score")
    for name, make in (("parsed", parsed), ("uncut", uncut)):
        branch = attempts(make)
        forget()
        growing = [microseconds(branch[:count]) for count in range(1, ATTEMPTS + 1)]
        first = []
        for _ in range(10):
            forget()
            first.append(microseconds(branch))
        median, plain = statistics.median(growing), with_difflib(branch)
        print(
            f"{name:8} as attempts come {median:6.0f} median {max(growing):6.0f} highest | "
            f"in a fresh process {statistics.median(first):6.0f} | difflib {plain:9.0f} ({plain / median:.0f}x)"
        )


if __name__ == "__main__":
    main()
