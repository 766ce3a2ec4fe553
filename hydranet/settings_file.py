"""The file `hydra.config.json`: read as what it is, a small JSON object that somebody else may have written."""

import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

from hydranet.errors import UsageError
from hydranet.text.escaping import clean_text

BYTES_LIMIT = 65_536
_DEPTH_LIMIT = 8


def read_settings_file(path: Path, *, follow: bool) -> dict[str, Any]:
    """Return the values of a settings file, none where there is no file; `follow` a link only where it is the user's.

    Raises UsageError for what is no regular file, larger than 64 KB, or no JSON object of plain values.
    """
    data = _read_bytes(path, follow)
    if data is None:
        return {}
    try:
        values = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text: write a JSON object, such as {{}}.") from None
    except RecursionError:
        raise UsageError(f"{path} is nested too deeply: write a JSON object of settings.") from None
    except ValueError as error:
        raise UsageError(f"{path} is not valid JSON ({error}): correct it.") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} must be a JSON object, such as {{}}.")
    _check_values(path, values)
    return values


def _read_bytes(path: Path, follow: bool) -> bytes | None:
    # Opened without waiting, so that a FIFO cannot hold up the command, and looked at before it is read.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        if not follow and path.is_symlink():
            raise UsageError(f"{path} is a link: put a regular file there.")
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): put a regular file there.") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path} is not a regular file: put one there, or remove it.")
        data = os.read(descriptor, BYTES_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(data) > BYTES_LIMIT:
        raise UsageError(f"{path} is larger than {BYTES_LIMIT // 1024} KB: shorten it.")
    return data


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _check_values(path: Path, value: Any, depth: int = 0) -> None:
    if depth > _DEPTH_LIMIT:
        raise UsageError(f"{path} is nested too deeply: write a JSON object of settings.")
    if isinstance(value, str) and value != clean_text(value):
        raise UsageError(f"{path} holds a NUL or a lone surrogate, which no setting can: remove it.")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_values(path, key, depth + 1)
            _check_values(path, item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_values(path, item, depth + 1)
