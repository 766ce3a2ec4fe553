"""The version that a build asks git for: a sandbox has no git folder, so variables of the build tools tell it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping

# What declares the tool, and the variable that it reads instead of git's tags.
_TOOLS = (
    (re.compile(r"setuptools[-_.]scm|hatch[-_.]vcs|flit[-_.]scm"), "SETUPTOOLS_SCM_PRETEND_VERSION"),
    (re.compile(r"(?<![\w-])pbr(?![\w-])"), "PBR_VERSION"),
    (re.compile(r"pdm[-_.]backend|pdm[-_.]pep517"), "PDM_BUILD_SCM_VERSION"),
    (re.compile(r"poetry[-_.]dynamic[-_.]versioning"), "POETRY_DYNAMIC_VERSIONING_BYPASS"),
    (re.compile(r"uv[-_.]dynamic[-_.]versioning"), "UV_DYNAMIC_VERSIONING_BYPASS"),
)
_BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_WITHOUT_TAGS = "0.0.1"


def export_version(declared: Mapping[str, str], version: str, given: Collection[str]) -> str:
    """Return the shell words that tell build tools the version, empty where none of them asks git.

    `declared` is the text of files by path, and `given` are the variables that the user has set already.
    """
    text = "\n".join(declared.get(name, "") for name in _BUILD_FILES)
    names = [name for tool, name in _TOOLS if tool.search(text) and name not in given]
    value = shlex.quote(version or _WITHOUT_TAGS)
    return f"export {' '.join(f'{name}={value}' for name in names)}; " if names else ""
