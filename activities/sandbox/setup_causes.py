"""The known causes of a failed set-up, read from its log, each with what a user can do about it."""

from __future__ import annotations

import re
from typing import NamedTuple

from activities.sandbox.protocol import Execution
from activities.sandbox.results import clean_output
from hydranet.text.truncation import keep_last_lines, keep_start

# Characters of the end of a log, and of one name in a sentence.
_LOG_END, _NAME = 800, 120
# The exit status of a process that the kernel killed, most often since its memory was up.
_KILLED = 137

# What pip and its like say last, whatever went wrong before.
_BOILERPLATE = re.compile(
    r"\s*(?:\[notice\].*|note: This (?:error originates|is an issue).*|hint: See above.*|\[end of output\]|╰─>.*"
    r"|See above for output\.|\W*)"
)


class Cause(NamedTuple):
    """What went wrong, and what to do."""

    sentence: str
    remedy: str


NODE_REMEDY = (
    "name an image that has Node.js in 'sandbox.image', such as hydranet-sandbox:1-node, or set 'sandbox.backend' to "
    "bubblewrap where this machine has it"
)
"""What to do where tests need Node.js and the sandbox lacks it."""

# {0} is what the log names.
_SANDBOX_IMAGE = "build it elsewhere, choose a version with a wheel, or give the sandbox's machine or image {0}"
_CAUSES = (
    (
        r"No space left on device|\[Errno 28\]|ENOSPC|Disk quota exceeded|os error 28",
        Cause("no space is left on the disk", "free some on the machine that runs the sandbox"),
    ),
    (
        r"requires a different Python: (\S+ not in '?[^'\n]+)'?",
        Cause("the Python version does not match ({0})", "run HydraNet with a Python that does"),
    ),
    (
        r"(?:current|requested) Python version \(\S+\) does not satisfy (Python\S+)"
        r"|([Rr]equires-Python [<>=!~\d., ]+)|is not supported by the project \(([^)\n]+)\)"
        r"|Ignored the following versions that require a different python version: ([^\n]+)",
        Cause("no version for this Python is there ({0})", "run HydraNet with a Python that the packages support"),
    ),
    (
        r"(Temporary failure in name resolution|Network is unreachable|Failed to establish a new connection"
        r"|ConnectTimeoutError|NewConnectionError|ProxyError|Tunnel connection failed[^\n]*|dns error"
        r"|error sending request|Read timed out|EAI_AGAIN|ECONNREFUSED)",
        Cause("no package index answers ({0})", "check that this machine reaches one, or name it in pip's settings"),
    ),
    (
        r"No matching distribution found for ([^\n]+)|satisfies the requirement ([^\s(]+)"
        r"|[Bb]ecause (\S+) was not found in the (?:package registry|cache)|404 Not Found - GET (\S+)"
        r"|Could not find a matching version of package (\S+)",
        Cause("the package {0} is not in the package index", "correct its name or version, or configure its index"),
    ),
    (
        r"fatal error: (\S+\.h\w*): No such file or directory|(\S+\.h\w*): No such file or directory",
        Cause("the header {0} is missing", _SANDBOX_IMAGE),
    ),
    (
        r"cannot find -l([\w.+-]+)|(\S+\.so[\w.]*): cannot open shared object file"
        r"|[Pp]ackage '?([\w.+-]+)'?,? (?:was )?(?:required by [^\n]*)?not found|Dependency \"?([\w.+-]+)\"? not found"
        r"|((?:pg|mysql|mariadb|xml2|xslt|curl|krb5)[_-]config)[^\n]*(?:not found|required)",
        Cause("the library {0} is missing", _SANDBOX_IMAGE),
    ),
    (
        r"command '([\w./+-]*(?:gcc|g\+\+|cc|clang|c\+\+|gfortran))' failed: No such file"
        r"|unable to execute '([\w./+-]+)'|error: linker `(\w+)` not found|no acceptable (C compiler) found"
        r"|(Rust) toolchain|(cargo), the Rust package manager, is not installed|(CMake) must be installed"
        r"|can't find (Rust) compiler|Unknown compiler\(s\): \[\['(\w+)'",
        Cause("the compiler {0} is missing", _SANDBOX_IMAGE),
    ),
    (
        r"(npm|npx|node): (?:command )?not found\s*$|exec: \"(npm|npx|node)\": executable file not found",
        Cause("the sandbox has no Node.js ({0} is missing)", NODE_REMEDY),
    ),
    (
        r"(?:^|: )([\w.+-]+): (?:command )?not found\s*$|exec: \"([\w.+-]+)\": executable file not found",
        Cause("the program {0} is missing", "correct 'sandbox.setup', or give the sandbox's machine or image {0}"),
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.MULTILINE), cause) for pattern, cause in _CAUSES)
# A package is not found either when no index answers, or none of its versions is for this Python.
_CONSEQUENCE = "not in the package index"


def find_cause(execution: Execution) -> Cause | None:
    """Return the known cause of a failed set-up; None for any other."""
    log = clean_output(execution.output)
    matches = [(match, cause) for pattern, cause in _PATTERNS for match in pattern.finditer(log)]
    if matches:
        # What failed last ended the set-up.
        match, cause = max(matches, key=lambda pair: (_CONSEQUENCE not in pair[1].sentence, pair[0].start()))
        name = next(filter(None, match.groups()), "").strip(" .,")
        return Cause(*(text.format(keep_start(name, _NAME)) for text in cause))
    if execution.exit_status == _KILLED and not execution.reason:
        return Cause("it was killed, most likely since its memory was up", "raise 'sandbox.memory_mb'")
    return None


def cut_log(execution: Execution) -> str:
    """Return the last lines of a set-up's log, without what an installer says after every failure."""
    lines = [line.rstrip() for line in clean_output(execution.output).split("\n")]
    return keep_last_lines("\n".join(line for line in lines if not _BOILERPLATE.fullmatch(line)), _LOG_END)
