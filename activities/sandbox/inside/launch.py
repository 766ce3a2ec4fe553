"""Sets the limits of a sandbox and becomes its command.

Usage: launch.py FILE, which holds, separated by NUL: bytes of memory per process, processes (0 where others
count them), bytes per file, 1 when the tree has to be copied into /work, and the command.
"""

# Started before every command, so it imports the least: no pathlib, no argparse.
# ruff: noqa: PTH112, PTH123, S606
import os
import resource
import sys

TREE = "/tree"
WORK = "/work"
MADE = "/env/.hydra-work"
OPEN_FILES = 4096


def work_tree(copy: bool) -> bool:
    """Fill /work: with the tree, where no overlay shows it there, and with what the prepare step made.

    False when there is not room enough.
    """
    if copy and os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", f"{TREE}/.", WORK]):
        return False
    if os.path.isdir(MADE):
        os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", "-n", f"{MADE}/.", WORK])
    return True


def limit(data: int, processes: int, file: int) -> None:
    """Bound this process and all that it starts."""
    # When memory runs out on the machine, the kernel is to take from here first.
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    # RLIMIT_DATA counts what is really asked for; the address space, which runtimes reserve freely, only
    # has to bound shared mappings.
    _limit(resource.RLIMIT_DATA, data)
    _limit(resource.RLIMIT_AS, 4 * data)
    if processes:
        _limit(resource.RLIMIT_NPROC, processes)
    _limit(resource.RLIMIT_FSIZE, file)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)


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


def main() -> None:
    """Become the command."""
    with open(sys.argv[1], errors="surrogateescape") as job:
        *numbers, command = job.read().split("\0", 4)
    data, processes, file, copy = map(int, numbers)
    if not work_tree(bool(copy)):
        sys.exit(126)
    limit(data, processes, file)
    become(command.split("\0"))


if __name__ == "__main__":
    main()
