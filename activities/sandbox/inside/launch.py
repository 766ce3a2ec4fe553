"""Sets the limits of a sandbox and becomes its command.

Usage: launch.py FILE, which holds, separated by NUL: bytes of memory per process, processes, bytes per file,
1 when the tree has to be copied into /work, and the command.
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
    words = command.split("\0")
    if copy:
        os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", f"{TREE}/.", WORK])
    if os.path.isdir(MADE):
        os.spawnv(os.P_WAIT, "/bin/cp", ["cp", "-a", "-n", f"{MADE}/.", WORK])
    # When memory runs out on the machine, the kernel is to take from here first.
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    # RLIMIT_DATA counts what is really asked for; the address space, which runtimes reserve freely, only
    # has to bound shared mappings.
    _limit(resource.RLIMIT_DATA, data)
    _limit(resource.RLIMIT_AS, 4 * data)
    _limit(resource.RLIMIT_NPROC, processes)
    _limit(resource.RLIMIT_FSIZE, file)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    os.closerange(3, 256)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


main()
