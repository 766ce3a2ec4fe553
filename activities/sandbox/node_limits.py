"""The limits of a sandbox host: what its owner lets a run have, whatever the run asks for."""

from __future__ import annotations

from collections.abc import Mapping

from hydranet.contracts import SandboxSpec
from hydranet.settings import SandboxSettings
from hydranet.text.formatting import join_words

_LIMITED = ("memory_mb", "cpus", "processes", "file_mb", "environment_mb", "test_timeout", "setup_timeout")


class NodeLimits:
    """The most that a run gets on a node, by the setting of the sandbox; without any it gets what it asks for."""

    def __init__(self, limits: Mapping[str, float] | None = None) -> None:
        self._limits = dict(limits or {})

    @classmethod
    def of_owner(cls, settings: SandboxSettings) -> NodeLimits:
        """Return the limits of a node with these settings: its memory, by which slots are counted, and what is set."""
        names = [name for name in _LIMITED if name == "memory_mb" or name in settings.model_fields_set]
        return cls({name: getattr(settings, name) for name in names})

    def apply(self, spec: SandboxSpec) -> SandboxSpec:
        """Return what a run gets of what it asks for."""
        return spec.model_copy(update={name: self._limits[name] for name in self._list_exceeded(spec)})

    def describe(self, spec: SandboxSpec, host: str) -> str:
        """Return what a run does not get, in a few words; empty where it gets all."""
        exceeded = [f"{name} {self._limits[name]:g} of {getattr(spec, name):g}" for name in self._list_exceeded(spec)]
        return f"limited by the settings of {host or 'the sandbox host'}: {join_words(exceeded)}" if exceeded else ""

    def _list_exceeded(self, spec: SandboxSpec) -> list[str]:
        return [name for name, limit in self._limits.items() if getattr(spec, name) > limit]
