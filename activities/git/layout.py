"""Where git keeps what: the files that lead from a folder to its repository, read without git."""

import os
import stat
from pathlib import Path

from hydranet.errors import FatalError

_POINTER_BYTES = 8192


def read_pointer(file: Path, prefix: str = "") -> Path:
    """Return the folder that a one-line file of git's names, relative to the file's own folder.

    FatalError when it is not a small regular file with such a line.
    """
    text = read_regular(file, _POINTER_BYTES).decode("utf-8", "surrogateescape").rstrip("\r\n")
    if not text.startswith(prefix) or not text[len(prefix) :] or "\0" in text:
        raise FatalError(f"{file} does not name a folder of git's: correct it, or take a clone.")
    return (file.parent / text[len(prefix) :]).resolve()


def read_regular(file: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes; FatalError for anything else."""
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise FatalError(f"{file} is not a regular file of at most {limit:,} bytes: correct it, or take a clone.")
        return file.read_bytes()
    except OSError as error:
        raise FatalError(f"{file} cannot be read ({error.strerror}): correct it, or take a clone.") from None


def common_folder(git_folder: Path) -> Path:
    """Return the folder with the configuration that a git folder, or a file which leads to one, goes by."""
    if git_folder.is_file():
        git_folder = read_pointer(git_folder, "gitdir: ")
    pointer = git_folder / "commondir"
    return read_pointer(pointer) if os.path.lexists(pointer) else git_folder


def make_bare(folder: Path, object_format: str, settings: str = "", head: str = "ref: refs/heads/base") -> None:
    """Make `folder`, which is empty, a bare repository without objects or references."""
    version = 0 if object_format == "sha1" else 1
    config = f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{settings}"
    if version:
        config += f"[extensions]\n\tobjectformat = {object_format}\n"
    (folder / "config").write_text(config)
    (folder / "HEAD").write_bytes(f"{head}\n".encode("utf-8", "surrogateescape"))
    for name in ("objects/info", "objects/pack", "refs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
