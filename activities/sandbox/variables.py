"""The variables of a job that the user set, and their masking in whatever comes back from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from activities.sandbox.protocol import Execution
from activities.sandbox.results import clean_output

# A shorter value would be found in what has nothing to do with it.
_LEAST = 8
# Paths in the sandbox are no secret, and tracebacks could not be read without them.
_PLACES = re.compile(r"(?:^|:)/(?:work|env|tmp|usr|bin|dev|etc|hydra|tree)(?:/[\w./-]*)?(?=:|$)")
# Where pytest shortens a line, or a limit of the output ends it.
_CUTS = re.compile(r"\A|\.\.\.|…|\Z")


@dataclass(frozen=True)
class Variables:
    """The values by name, and a digest that tells them from others."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: str = ""

    def mask(self, text: str) -> str:
        """Return a text without values of 8 characters or more, as they are, quoted, or a line of them."""
        if not self._names:
            return text
        # First without escapes, which could stand in the middle of a value.
        text = self._pattern.sub(lambda match: self._mark(self._names[match[0]]), clean_output(text))
        for start, end, name in sorted(set(self._find_parts(text)), reverse=True):
            text = text[:start] + self._mark(name) + text[end:]
        return text

    def _find_parts(self, text: str) -> Iterator[tuple[int, int, str]]:
        # The longest beginning of a value before each cut, and the longest end of one after it.
        for cut in _CUTS.finditer(text):
            before, after = cut.span()
            if before >= _LEAST and text[before - _LEAST : before] in self._all_forms:
                for size, form, name in self._list_sizes(before):
                    if text.startswith(form[:size], before - size):
                        yield before - size, before, name
                        break
            if len(text) - after >= _LEAST and text[after : after + _LEAST] in self._all_forms:
                for size, form, name in self._list_sizes(len(text) - after):
                    if text.startswith(form[-size:], after):
                        yield after, after + size, name
                        break

    def _list_sizes(self, most: int) -> Iterator[tuple[int, str, str]]:
        for form, name in self._names.items():
            for size in range(min(len(form) - 1, most), _LEAST - 1, -1):
                yield size, form, name

    def mask_record(self, record: Any) -> Any:
        """Return a record of a test run with all its texts masked, but for names of files, which the tree has too."""
        if not self._names:
            return record
        if isinstance(record, str):
            return self.mask(record)
        if isinstance(record, list):
            return [self.mask_record(part) for part in record]
        if isinstance(record, dict):
            return {key: self._mask_field(key, value) for key, value in record.items()}
        return record

    def mask_execution(self, execution: Execution) -> Execution:
        """Return how a command ended, masked."""
        return replace(
            execution,
            output=self.mask(execution.output),
            stdout=self.mask(execution.stdout),
            stderr=self.mask(execution.stderr),
            reason=self.mask(execution.reason),
            refused_hosts=tuple(map(self.mask, execution.refused_hosts)),
        )

    def unmask(self, text: str) -> str:
        """Return the id of a test as the sandbox knows it."""
        for name in dict.fromkeys(self._names.values()):
            text = text.replace(self._mark(name), self.values[name])
        return text

    def _mask_field(self, key: str, value: Any) -> Any:
        if key == "file":
            return value
        if key == "id" and isinstance(value, str):
            path, separator, test = value.partition("::")
            return path + separator + self.mask(test) if separator else self.mask(value)
        return self.mask_record(value)

    @staticmethod
    def _mark(name: str) -> str:
        return f"<sandbox.env.{name}>"

    @cached_property
    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for name, value in self.values.items():
            if _PLACES.sub("", value) == "":
                continue
            for text in (value, *value.splitlines()):
                for form in (text, clean_output(text), repr(text)[1:-1], json.dumps(text)[1:-1], quote(text, safe="")):
                    if len(form.strip()) >= _LEAST:
                        names.setdefault(form.strip(), name)
        return names

    @cached_property
    def _all_forms(self) -> str:
        return "\0".join(self._names)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self._names, key=len, reverse=True))))


NO_VARIABLES = Variables()
