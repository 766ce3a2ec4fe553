"""Traps: what a repository can declare so that git runs a program of its choice, which leaves a marker."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.git.repositories import git, make_repository

SIGNATURE = "gpgsig -----BEGIN {0}-----\n \n YQ==\n -----END {0}-----\n"


@dataclass(frozen=True)
class Trap:
    """Settings and attributes, what else is prepared, and the plain git commands that spring it.

    `{trap}` is the program, `{filter}` the program as a filter, and `{marker}` the file that it writes. A repository
    with `refused` gets that sentence.
    """

    springs: str
    settings: Mapping[str, str] = field(default_factory=dict)
    attributes: str = ""
    prepare: Callable[[Path, Path, Path], None] = lambda repository, trap, marker: None
    refused: str = ""
    terminal: bool = False


def arm(trap: Trap, scratch: Path) -> tuple[Path, Path]:
    """Build the repository with its trap, and return it and the marker, which is not there yet."""
    marker = scratch / "marker"
    program = scratch / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>{marker}\n[ "$1" != filter ] || cat\n')
    program.chmod(0o755)
    repository = make_repository(scratch / "user")
    if trap.attributes:
        (repository / ".gitattributes").write_text(trap.attributes)
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", "attributes")
    trap.prepare(repository, program, marker)
    for key, value in trap.settings.items():
        value = value.format(trap=program, filter=f"{program} filter", marker=marker, git=repository / ".git")
        if not key.startswith("file:"):
            git(repository, "config", "--add", key, value)
        else:
            (repository / key[5:]).parent.mkdir(parents=True, exist_ok=True)
            (repository / key[5:]).write_text(value)
    # As after a copy: git has to look into the file to know whether it was changed.
    os.utime(repository / "pkg" / "a.py", (1, 1))
    assert not marker.exists()
    return repository, marker


def spring(trap: Trap, repository: Path, scratch: Path) -> None:
    """Run the plain git commands."""
    home = scratch / "home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "EMAIL": "t@localhost", "TERM": "xterm"}
    command = ["sh", "-c", trap.springs.format(marker=scratch / "marker")]
    if trap.terminal:
        command = ["script", "--quiet", "--command", command[2], os.devnull]
    subprocess.run(command, cwd=repository, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def _write_hooks(repository: Path, trap: Path, marker: Path) -> None:
    hooks = "post-checkout post-commit post-index-change post-merge pre-auto-gc pre-commit reference-transaction"
    for folder in (repository / ".git" / "hooks", repository / "hooks"):
        folder.mkdir(exist_ok=True)
        for hook in hooks.split():
            (folder / hook).symlink_to(trap)


def _write_template(repository: Path, trap: Path, marker: Path) -> None:
    (repository / "template" / "hooks").mkdir(parents=True)
    (repository / "template" / "hooks" / "post-commit").symlink_to(trap)


def _diverge(repository: Path, trap: Path, marker: Path) -> None:
    git(repository, "branch", "side")
    for branch in ("side", "main"):
        git(repository, "checkout", "--quiet", branch)
        (repository / "LICENSE").write_text(f"That of {branch}.\n")
        git(repository, "add", "LICENSE")
        git(repository, "commit", "--quiet", "--message", branch)


def _sign(kind: str) -> Callable[[Path, Path, Path], None]:
    def prepare(repository: Path, trap: Path, marker: Path) -> None:
        head, _, message = git(repository, "cat-file", "commit", "HEAD").partition("\n\n")
        signed = f"{head}\n{SIGNATURE.format(kind)}\n{message}\n"
        commit = git(repository, "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed)
        git(repository, "update-ref", "HEAD", commit)

    return prepare


def _lose_content(repository: Path, trap: Path, marker: Path) -> None:
    oid = git(repository, "rev-parse", "HEAD:pkg/b.py")
    (repository / ".git" / "objects" / oid[:2] / oid[2:]).unlink()


def _lose_tree(repository: Path, trap: Path, marker: Path) -> None:
    oid = git(repository, "rev-parse", "HEAD:pkg")
    (repository / ".git" / "objects" / oid[:2] / oid[2:]).unlink()


def _borrow(repository: Path, trap: Path, marker: Path) -> None:
    # With the same objects: one made a second later would have a commit that nothing here leads to.
    other = repository.parent / "other"
    shutil.copytree(repository, other)
    (repository / ".git" / "objects" / "info" / "alternates").write_text(f"{other / '.git' / 'objects'}\n")


def _add_submodule(repository: Path, trap: Path, marker: Path) -> None:
    other = make_repository(repository.parent / "other")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    git(repository, "commit", "--quiet", "--message", "a submodule")


def _trap_submodule(repository: Path, trap: Path, marker: Path) -> None:
    _add_submodule(repository, trap, marker)
    git(repository / "sub", "config", "filter.x.clean", f"{trap} filter")
    (repository / ".git" / "modules" / "sub" / "info" / "attributes").write_text("* filter=x\n")
    os.utime(repository / "sub" / "README", (1, 1))


def _name_branch(repository: Path, trap: Path, marker: Path) -> None:
    reference = f"refs/heads/--output={marker}"
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", reference, commit)
    git(repository, "update-ref", "refs/tags/--exec=x", commit)
    (repository / ".git" / "HEAD").write_text(f"ref: {reference}\n")


PY = "*.py filter=x diff=x\n"
EXT = {
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "origin",
    "remote.origin.promisor": "true",
    "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
    "protocol.ext.allow": "always",
    "protocol.file.allow": "always",
}
LACKS = "is a partial clone and lacks objects of HEAD.*: run `git -C"
DIRTY = "echo more >>README; echo more >>pkg/a.py; "

TRAPS = {
    "filter.clean": Trap("git status", {"filter.x.clean": "{filter}"}, PY),
    "filter.clean, required": Trap(
        "git status", {"filter.x.clean": "{filter}", "filter.x.smudge": "{filter}", "filter.x.required": "true"}, PY
    ),
    "filter.smudge": Trap("rm -r pkg; git checkout -- pkg", {"filter.x.smudge": "{filter}"}, PY),
    "filter.process": Trap("git status", {"filter.x.process": "{filter}"}, PY),
    "filter by info/attributes": Trap(
        "git status", {"filter.x.clean": "{filter}", "file:.git/info/attributes": "* filter=x\n"}
    ),
    "filter by core.attributesFile": Trap(
        "git status",
        {"filter.x.clean": "{filter}", "core.attributesFile": "{git}/mine", "file:.git/mine": "* filter=x"},
    ),
    "filter in a submodule": Trap("git status", prepare=_trap_submodule),
    "diff.external": Trap(f"{DIRTY}git diff", {"diff.external": "{trap}"}),
    "diff.command": Trap(f"{DIRTY}git diff", {"diff.x.command": "{trap}"}, PY),
    "diff.textconv": Trap(f"{DIRTY}git diff", {"diff.x.textconv": "{filter}"}, PY),
    "difftool": Trap(f"{DIRTY}git difftool -y", {"diff.tool": "x", "difftool.x.cmd": "{trap}"}),
    "merge driver": Trap(
        "git checkout pkg; git merge side", {"merge.x.driver": "{trap}"}, "* merge=x\n", prepare=_diverge
    ),
    "core.editor": Trap("git commit --amend", {"core.editor": "{trap}"}),
    "core.pager": Trap("git log", {"core.pager": "{trap}"}, terminal=True),
    "pager.log": Trap("git log", {"pager.log": "{trap}"}, terminal=True),
    "core.sshCommand": Trap("git fetch", {"core.sshCommand": "{trap}", "remote.origin.url": "ssh://localhost/nowhere"}),
    "core.gitProxy": Trap("git fetch", {"core.gitProxy": "{trap}", "remote.origin.url": "git://localhost/nowhere"}),
    "credential.helper": Trap(
        "printf 'protocol=https\\nhost=localhost\\n' | git credential fill", {"credential.helper": "{trap}"}
    ),
    "core.askPass": Trap(
        "printf 'protocol=https\\nhost=localhost\\n' | git credential fill", {"core.askPass": "{trap}"}
    ),
    "alias": Trap(
        "git st", {"alias.st": "!{trap}", **{f"alias.{name}": "!{trap}" for name in ("status", "rev-parse", "log")}}
    ),
    "trailer.command": Trap("git interpret-trailers </dev/null", {"trailer.x.command": "{trap}", "trailer.x.key": "X"}),
    "tar.command": Trap("git archive --format=x HEAD", {"tar.x.command": "{trap}"}),
    "include.path": Trap("git status", {"include.path": "mine", "file:.git/mine": "[core]\n\tfsmonitor = {trap}\n"}),
    "includeIf": Trap(
        "git status", {"includeIf.gitdir:**.path": "mine", "file:.git/mine": "[core]\n\tfsmonitor = {trap}\n"}
    ),
    "config.worktree": Trap(
        "git status",
        {
            "core.repositoryFormatVersion": "1",
            "extensions.worktreeConfig": "true",
            "file:.git/config.worktree": "[core]\n\tfsmonitor = {trap}\n",
        },
    ),
    "log.showSignature": Trap(
        "git log -1", {"log.showSignature": "true", "gpg.program": "{trap}"}, prepare=_sign("PGP SIGNATURE")
    ),
    "log.showSignature, X.509": Trap(
        "git log -1", {"log.showSignature": "true", "gpg.x509.program": "{trap}"}, prepare=_sign("SIGNED MESSAGE")
    ),
    "commit.gpgSign": Trap(
        "git commit --allow-empty -m x", {"commit.gpgSign": "true", "merge.gpgSign": "true", "gpg.program": "{trap}"}
    ),
    "core.hooksPath": Trap("git commit --allow-empty -m x", {"core.hooksPath": "hooks"}, prepare=_write_hooks),
    "hooks": Trap("git checkout -b other", prepare=_write_hooks),
    "core.fsmonitor": Trap("git status", {"core.fsmonitor": "{trap}"}),
    "fsmonitor in a .git that says it is bare": Trap(
        "git --work-tree=. status", {"core.fsmonitor": "{trap}", "core.bare": "true"}
    ),
    "uploadpack.packObjectsHook": Trap(
        "GIT_CONFIG_GLOBAL=$PWD/.git/config git clone --no-local . ../c",
        {"uploadpack.packObjectsHook": "{trap}"},
    ),
    "ext:: remote of a partial clone": Trap(
        "git cat-file -p HEAD:pkg/b.py",
        {**EXT, "remote.origin.url": "ext::{trap} %S"},
        prepare=_lose_content,
        refused=LACKS,
    ),
    "ext:: remote of a partial clone, a tree": Trap(
        "git ls-tree -r HEAD",
        {**EXT, "remote.origin.url": "ext::{trap} %S"},
        prepare=_lose_tree,
        refused=LACKS,
    ),
    "uploadpack of a promisor": Trap(
        "git cat-file -p HEAD:pkg/b.py",
        {**EXT, "remote.origin.url": "{git}", "remote.origin.uploadpack": "{trap}"},
        prepare=_lose_content,
        refused=LACKS,
    ),
    "submodule.update": Trap(
        "git update-index --cacheinfo 160000,$(git -C sub rev-parse HEAD^),sub; git submodule update --init",
        {"submodule.sub.update": "!{trap}"},
        prepare=_add_submodule,
    ),
    "core.alternateRefsCommand": Trap(
        "git rev-list --alternate-refs", {"core.alternateRefsCommand": "{trap}"}, prepare=_borrow
    ),
    "init.templateDir": Trap(
        "git -c init.templateDir=$(git config init.templateDir) init; git commit --allow-empty -m x",
        {"init.templateDir": "{git}/../template"},
        prepare=_write_template,
    ),
    "a branch called --output": Trap("git log -p $(git symbolic-ref --short HEAD)", prepare=_name_branch),
}
