"""The command guard: which commands that a model asks for are run, in the sandbox, and which are refused.

The guard is the second wall. It reads a command as a shell would, as far as that is possible without running it;
what it cannot read it refuses.
"""

import re
import shlex
from collections.abc import Iterator, Sequence

from hydranet.policy.constitution import Decision, Effect

COMMAND_LIMIT = 2000

# What looks at things. Python and pytest run whatever the repository holds: that is what the sandbox is for.
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
    "privileges": "Nothing here gets more rights.",
    "packages": "Packages are installed by 'sandbox.setup', before a run.",
    "ownership": "Owners of files stay as they are.",
    "processes": "Processes end with their command.",
    "disks": "Nothing here touches a disk.",
    "evaluation": "It would run what cannot be read from the command.",
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names.split()}
_OPERATORS = {"|", "||", "&&", ";"}
_HARMLESS = {(">&", "1"), (">&", "2"), (">", "/dev/null"), (">>", "/dev/null"), ("&>", "/dev/null")}
_INSTALLING = {"install", "i", "add", "ci", "update", "upgrade", "publish", "exec"}


def decide(command: str) -> Decision:
    """Whether a command may be run, by which rule and why."""
    rule, reason = _judged(command)
    return Decision(
        operation="run",
        subject=command,
        effect=Effect.ALLOWED if rule == "allowed" else Effect.REFUSED,
        rule=f"guard:{rule}",
        reason=reason,
    )


def _judged(command: str) -> tuple[str, str]:
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
        return "unreadable", "Its quotes do not match."
    if not words:
        return "empty", "There is no command."
    for simple in _simple(words):
        if isinstance(simple, str):
            return "shell", f"{simple} is not for here: one command, or several joined by |, && or ;."
        verdict = _verdict(simple)
        if verdict is not None:
            return verdict
    return "allowed", ""


def _simple(words: Sequence[str]) -> Iterator[list[str] | str]:
    """The simple commands in a line without their harmless redirections; a string is an operator that is refused."""
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


def _verdict(words: list[str]) -> tuple[str, str] | None:
    """Why a simple command is refused; None when it may be run."""
    while words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0]):
        if re.match(r"(LD_|PYTHON(STARTUP|HOME|PATH)|PATH=|GIT_|BASH_|ENV=|IFS=)", words[0]):
            return "environment", f"{words[0].partition('=')[0]} decides what is run."
        words = words[1:]
    if not words:
        return "empty", "There is no command."
    program, arguments = words[0], words[1:]
    if "/" in program:
        return "path", "A command is called by its name."
    if program == "rm":
        return "deletion", "Files are changed by a patch, which stays on record."
    if program == "chmod":
        return "permissions", "Permissions stay as they are."
    if program in _FAMILY:
        return _FAMILY[program], _REASONS[_FAMILY[program]]
    if program not in _ALLOWED:
        return "unlisted", f"{program[:60]} is not on the list of commands."
    return _arguments(program, arguments)


def _arguments(program: str, arguments: list[str]) -> tuple[str, str] | None:
    """Why the arguments of a listed program are refused."""
    first = next((word for word in arguments if not word.startswith("-")), "")
    if program == "git":
        if arguments[:1] != [first] or first not in _READING_GIT:
            return "git", f"git {(arguments or [''])[0][:40]} is not one of the commands of git that only read."
        if any(word.startswith(("--output", "--ext-diff", "--textconv", "-O", "--open-files")) for word in arguments):
            return "git", "git may not write files or run other programs."
    if program in ("npm", "npx", "go") and (program == "npx" or first in {*_INSTALLING, "get", "mod"}):
        return "packages", _REASONS["packages"]
    if program in ("python", "python3") and _module(arguments) in {"pip", "ensurepip", "venv", "http.server"}:
        return "packages", _REASONS["packages"]
    if program == "find" and any(re.match(r"-(exec|ok|delete|fprint|fls)", word) for word in arguments):
        return "find", "find may look, not run, write or delete."
    if program == "sed" and any(re.match(r"-[a-zA-Z]*i|--in-place", word) for word in arguments):
        return "sed", "Files are changed by a patch, which stays on record."
    if program in ("awk", "sed") and any(
        re.search(r"system\s*\(|\|\s*getline|\|\s*\"|^\d*e$|/e\b", w) for w in arguments
    ):
        return "evaluation", _REASONS["evaluation"]
    outside = [word for word in arguments if word.startswith("/") or ".." in word.split("/")]
    if program not in ("python", "python3", "grep", "rg", "sed", "awk", "echo") and any(map(_outside, outside)):
        return "outside", "Only the work folder and the environment are looked at."
    return None


def _module(arguments: list[str]) -> str:
    """The module that `python -m` runs, also in one word."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if found := re.fullmatch(r"-[A-Za-z]*m(.*)", word):
            return found[1] or following
    return ""


def _outside(path: str) -> bool:
    return ".." in path.split("/") or not re.match(r"/(work|env|tmp|usr)(/|$)", path)
