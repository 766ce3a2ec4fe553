"""The settings of pip, uv and npm on this machine: their indexes, credentials and proxies.

An installer in a sandbox gets what it needs to use the same indexes. It does not get the proxies, which HydraNet's own
proxy uses for it, nor credentials for npm's public registry, with which packages could be published.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from activities.sandbox.environment_variables import list_installer_variables
from activities.sandbox.protocol import HOME

_PYPI, _NPM = "https://pypi.org/simple", "https://registry.npmjs.org/"
_INDEX_KEYS = ("index-url", "extra-index-url", "find-links")
_UV_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_UV_PROXY = re.compile(r"^\s*(?:https?|no)-proxy\s*=.*$", re.MULTILINE)
_NPM_REGISTRY = re.compile(r"(?:@[^:/]+:)?registry")
_NPM_CREDENTIAL = re.compile(r"//(?P<host>[^/:]+)\S*:(?:_authToken|_auth|_password|username|email)")
_NPM_OTHERS = {"cafile", "ca", "ca[]", "strict-ssl", "fetch-retries", "fetch-timeout"}
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass
class InstallerSettings:
    """What is configured: variables and files (text by path inside the sandbox), URLs of indexes, proxies by scheme."""

    env: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)
    proxies: dict[str, str] = field(default_factory=dict)


def read_installer_settings() -> InstallerSettings:
    """Return the settings of the installers, with PyPI and npm's registry where nothing else is configured."""
    settings = InstallerSettings(list_installer_variables())
    pip_index, pip_more, certificates = _add_pip(settings)
    uv_index = _add_uv(settings)
    if certificates:
        # The machine's own authorities sign for whatever is behind a proxy that opens TLS.
        settings.env.setdefault("SSL_CERT_FILE", certificates)
    if not uv_index:
        # Without settings of its own uv would ask PyPI, which the user's pip may not use.
        if pip_index:
            settings.env["UV_DEFAULT_INDEX"] = pip_index
        if pip_more:
            settings.env.setdefault("UV_INDEX", " ".join(pip_more))
    if not pip_index and not uv_index and not _is_true(settings.env.get("PIP_NO_INDEX", "")):
        settings.indexes.append(_PYPI)
    _add_npm(settings)
    # The variables win, as they do in every installer.
    settings.proxies |= getproxies_environment()
    return settings


def _add_pip(settings: InstallerSettings) -> tuple[str, list[str], str]:
    options: dict[str, str] = {}
    for inside, path in _list_pip_files().items():
        parser = configparser.RawConfigParser()
        with suppress(configparser.Error):
            parser.read_string(_read(path))
        for section in parser.sections():
            options |= {key.replace("_", "-"): value for key, value in parser.items(section)}
            parser.remove_option(section, "proxy")
        if parser.sections():
            text = StringIO()
            parser.write(text)
            settings.files[inside] = text.getvalue()
    if proxy := options.get("proxy"):
        settings.proxies |= {"http": proxy, "https": proxy}
    values = {
        key: settings.env.get(f"PIP_{key.upper().replace('-', '_')}", options.get(key, "")) for key in _INDEX_KEYS
    }
    if _is_true(options.get("no-index", "")):
        settings.env.setdefault("PIP_NO_INDEX", "1")
    settings.indexes += [url for value in values.values() for url in value.split()]
    certificates = settings.env.get("PIP_CERT", options.get("cert", ""))
    return values["index-url"].strip(), values["extra-index-url"].split(), certificates.strip()


def _list_pip_files() -> dict[str, Path]:
    home = Path.home()
    user = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    chosen = os.environ.get("PIP_CONFIG_FILE")
    # Keyed by where pip looks for it inside the sandbox; the later wins.
    return {
        "/etc/pip.conf": Path("/etc/pip.conf"),
        f"{HOME}/.pip/pip.conf": home / ".pip" / "pip.conf",
        f"{HOME}/.config/pip/pip.conf": Path(chosen) if chosen else user,
    }


def _add_uv(settings: InstallerSettings) -> bool:
    """Add uv's settings; return whether it has an index of its own in place of PyPI."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    chosen = os.environ.get("UV_CONFIG_FILE")
    replaced = False
    for path in (Path("/etc/uv/uv.toml"), Path(chosen) if chosen else home / "uv" / "uv.toml"):
        text = _UV_PROXY.sub("", _read(path))
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        if not table:
            continue
        # The user's file wins inside as outside: there is one place for both.
        settings.files[f"{HOME}/.config/uv/uv.toml"] = text
        for options in (table, table.get("pip")):
            urls = _list_uv_urls(options) if isinstance(options, dict) else []
            settings.indexes += urls
            replaced |= isinstance(options, dict) and "index-url" in options
        replaced |= any(index.get("default") is True for index in _tables(table.get("index")))
    for name in _UV_VARIABLES:
        # An index may have a name: NAME=URL.
        words = [re.sub(r"^[\w-]+=", "", word) for word in settings.env.get(name, "").split()]
        settings.indexes += words
        replaced |= bool(words) and name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
    return replaced


def _list_uv_urls(options: Mapping[str, Any]) -> list[str]:
    values = [options.get(key) for key in _INDEX_KEYS]
    values += [index.get("url") for index in _tables(options.get("index"))]
    words = [word for value in values for word in (value if isinstance(value, list) else [value])]
    return [word for word in words if isinstance(word, str)]


def _tables(value: Any) -> list[dict[str, Any]]:
    return [table for table in value if isinstance(table, dict)] if isinstance(value, list) else []


def _add_npm(settings: InstallerSettings) -> None:
    options: dict[str, str] = {}
    for path in _list_npm_files():
        options |= dict(_parse_npmrc(_read(path)))
    options |= {
        name.lower().removeprefix("npm_config_").replace("_", "-"): value
        for name, value in os.environ.items()
        if name.lower().startswith("npm_config_")
    }
    registries = {key: value for key, value in options.items() if _NPM_REGISTRY.fullmatch(key)}
    registries.setdefault("registry", _NPM)
    settings.indexes += registries.values()
    public = urlsplit(_NPM).hostname
    kept = registries | {key: value for key, value in options.items() if key in _NPM_OTHERS}
    for key, value in options.items():
        credential = _NPM_CREDENTIAL.fullmatch(key)
        if credential and credential["host"] != public:
            kept[key] = value
    settings.files[f"{HOME}/.npmrc"] = "".join(f"{key}={value}\n" for key, value in kept.items())
    for key, scheme in (("proxy", "http"), ("https-proxy", "https"), ("noproxy", "no")):
        if options.get(key):
            settings.proxies.setdefault(scheme, options[key])


def _list_npm_files() -> Iterator[Path]:
    program = shutil.which("npm")
    prefix = Path(program).parents[1] if program else Path("/usr/local")
    yield Path(os.environ.get("NPM_CONFIG_GLOBALCONFIG") or prefix / "etc" / "npmrc")
    yield Path(os.environ.get("NPM_CONFIG_USERCONFIG") or Path.home() / ".npmrc")


def _parse_npmrc(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";", "[")):
            value = _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), value.strip())
            yield key.strip(), value.strip("\"'")


def _is_true(value: str) -> bool:
    return value.strip().lower() in ("1", "true", "yes", "on", "y", "t")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
