"""Fills a container's work tree, sets the limits of a process and makes it the command."""

# ruff: noqa: PTH112, PTH123, S606
import os
import resource
import sys

TREE = "/tree"
WORK = "/work"
MADE = "/env/.hydra-work"


def work_tree() -> bool:
    """Fill /work with the tree and with what the prepare step made; False when there is not room enough."""
    if os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", f"{TREE}/.", WORK]):
        return False
    if os.path.isdir(MADE):
        os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", "-n", f"{MADE}/.", WORK])
    return True


def limit(data: int, file: int) -> None:
    """Bound this process and all that it starts; the container bounds what is not bounded here."""
    # When memory runs out on the machine, the kernel is to take from here first.
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    # RLIMIT_DATA counts what is really asked for; the address space, which runtimes reserve freely, only
    # has to bound shared mappings.
    _limit(resource.RLIMIT_DATA, data)
    _limit(resource.RLIMIT_AS, 4 * data)
    _limit(resource.RLIMIT_FSIZE, file)


def become(words: list[str]) -> None:
    """Run the command in place of this process."""
    os.closerange(3, 256)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def _limit(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(kind, (wanted, wanted))
