"""The command guard: which commands of a model are run in the sandbox, and which are refused.

The guard is the second wall, behind the sandbox. It reads a command as a shell would, as far as that is possible
without running it, and refuses what it cannot read.
"""

import re
import shlex
from collections.abc import Iterator, Sequence

from hydranet.policy.constitution import Decision, Effect

COMMAND_LIMIT = 2000

# Programs that look at files and run tests. Python runs whatever the repository holds: the sandbox is there for that.
_ALLOWED = set(
    "awk basename cat cd cut diff dirname du echo false file find grep head jq ls nl pwd pytest python python3 "
    "realpath rg sed seq sort stat tail test tr tree true uniq wc git go jest make mypy node npm npx tox vitest".split()
)
_READING_GIT = set(
    "blame cat-file describe diff grep log ls-files ls-tree rev-list rev-parse shortlog show status".split()
)
_FAMILIES = {
    "network": "curl wget nc ncat netcat telnet ssh scp sftp rsync ftp socat ping dig nslookup host",
    "privileges": "sudo su doas pkexec chroot unshare nsenter setpriv mount umount capsh docker podman bwrap",
    "packages": "pip pip3 pipx uv poetry conda apt apt-get dpkg yum dnf apk brew gem cargo snap",
    "ownership": "chown chgrp setfacl chattr setcap",
    "processes": "kill pkill killall reboot shutdown halt poweroff systemctl service crontab at nohup setsid",
    "disks": "dd mkfs fdisk parted losetup swapon swapoff shred wipefs",
    "evaluation": "eval source . exec sh bash zsh dash ksh fish env xargs ssh-agent script perl ruby php",
}
_REASONS = {
    "network": "There is no network in the sandbox.",
    "privileges": "A command may not change its rights.",
    "packages": "Packages are installed before a run, by 'sandbox.setup'.",
    "ownership": "The owners of files may not change.",
    "processes": "A command may not control other processes.",
    "disks": "A command may not write to disks.",
    "evaluation": "It would run something that the command does not show.",
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names.split()}
_OPERATORS = {"|", "||", "&&", ";"}
_HARMLESS = {(">&", "1"), (">&", "2"), (">", "/dev/null"), (">>", "/dev/null"), ("&>", "/dev/null")}
_INSTALLING = {"install", "i", "add", "ci", "update", "upgrade", "publish", "exec"}


def decide(command: str) -> Decision:
    """Decide whether a command may be run, by which rule and why."""
    rule, reason = _judge(command)
    return Decision(
        operation="run",
        subject=command,
        effect=Effect.ALLOWED if rule == "allowed" else Effect.REFUSED,
        rule=f"guard:{rule}",
        reason=reason,
    )


def _judge(command: str) -> tuple[str, str]:
    if len(command) > COMMAND_LIMIT:
        return "size", f"The command is longer than {COMMAND_LIMIT} characters."
    if re.search(r"[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]|\n", command.strip()):
        return "characters", "The command holds control characters or more than one line."
    if re.search(r"`|\$\(|\$\{|<\(|>\(|<<", command):
        return "evaluation", _REASONS["evaluation"]
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return "unreadable", "The quotes of the command do not match."
    if not words:
        return "empty", "There is no command."
    for simple in _split(words):
        if isinstance(simple, str):
            return "shell", f"{simple} is not allowed: give one command, or several joined by |, && or ;."
        refusal = _check_command(simple)
        if refusal is not None:
            return refusal
    return "allowed", ""


def _split(words: Sequence[str]) -> Iterator[list[str] | str]:
    # Simple commands as lists, without harmless redirections; an operator that is refused as a string.
    current: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        following = words[position + 1] if position + 1 < len(words) else ""
        if word in _OPERATORS:
            yield current
            current = []
        elif (word, following) in _HARMLESS:
            position += 1
        elif word and set(word) <= set("();<>|&"):
            yield word
            return
        else:
            current.append(word)
        position += 1
    # A line may end with ;.
    if current or words[-1] != ";":
        yield current


def _check_command(words: list[str]) -> tuple[str, str] | None:
    while words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0]):
        if re.match(r"(LD_|PYTHON(STARTUP|HOME|PATH)|PATH=|GIT_|BASH_|ENV=|IFS=)", words[0]):
            return "environment", f"{words[0].partition('=')[0]} changes which programs run."
        words = words[1:]
    if not words:
        return "empty", "There is no command."
    program, arguments = words[0], words[1:]
    if "/" in program:
        return "path", "Call a program by its name, without a path."
    if program == "rm":
        return "deletion", "Files are changed only by a patch, which is recorded."
    if program == "chmod":
        return "permissions", "The permissions of files may not change."
    if program in _FAMILY:
        return _FAMILY[program], _REASONS[_FAMILY[program]]
    if program not in _ALLOWED:
        return "unlisted", f"{program[:60]} is not among the allowed programs."
    return _check_arguments(program, arguments)


def _check_arguments(program: str, arguments: list[str]) -> tuple[str, str] | None:
    first = next((word for word in arguments if not word.startswith("-")), "")
    if program == "git":
        if arguments[:1] != [first] or first not in _READING_GIT:
            return "git", f"git {(arguments or [''])[0][:40]} is not a command of git that only reads."
        if any(word.startswith(("--output", "--ext-diff", "--textconv", "-O", "--open-files")) for word in arguments):
            return "git", "git may not write files or run other programs."
    if program in ("npm", "npx", "go") and (program == "npx" or first in {*_INSTALLING, "get", "mod"}):
        return "packages", _REASONS["packages"]
    if program in ("python", "python3") and _find_module(arguments) in {"pip", "ensurepip", "venv", "http.server"}:
        return "packages", _REASONS["packages"]
    if program == "find" and any(re.match(r"-(exec|ok|delete|fprint|fls)", word) for word in arguments):
        return "find", "find may not run programs, write files or delete them."
    if program == "sed" and any(re.match(r"-[a-zA-Z]*i|--in-place", word) for word in arguments):
        return "sed", "Files are changed only by a patch, which is recorded."
    if program in ("awk", "sed") and any(
        re.search(r"system\s*\(|\|\s*getline|\|\s*\"|^\d*e$|/e\b", w) for w in arguments
    ):
        return "evaluation", _REASONS["evaluation"]
    outside = [word for word in arguments if word.startswith("/") or ".." in word.split("/")]
    if program not in ("python", "python3", "grep", "rg", "sed", "awk", "echo") and any(map(_is_outside, outside)):
        return "outside", "Only files in the repository and its environment may be read."
    return None


def _find_module(arguments: list[str]) -> str:
    # Python takes `-m MODULE`, and `-mMODULE` as well.
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if option := re.fullmatch(r"-[A-Za-z]*m(.*)", word):
            return option[1] or following
    return ""


def _is_outside(path: str) -> bool:
    return ".." in path.split("/") or not re.match(r"/(work|env|tmp|usr)(/|$)", path)
