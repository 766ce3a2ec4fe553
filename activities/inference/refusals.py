"""What a server says when it refuses: in an HTTP error, or in the place of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_WORDS = 200

# An answer has one of these; whatever else it says is no refusal.
_ANSWERS = ("choices", "data", "models", "embeddings", "model_info")

# Where servers put their words, and the number of an error.
_SENTENCES = ("message", "detail", "msg", "error", "errors", "title", "type")
_NUMBERS = ("code", "status", "status_code")

_TOO_LONG = re.compile(
    r"exceeds? the available context|context[ _](?:length|window)|n_ctx|"
    r"(?:prompt|input) (?:length |text )?(?:is |was )?too (?:long|large)|too many (?:input |prompt )?tokens|"
    r"maximum (?:input|prompt|sequence|model) length|(?:prompt|input) (?:length|tokens?) exceeds?|"
    r"reduce the length of the (?:messages|prompt|input)"
)
_MONEY = re.compile(
    r"insufficient[ _](?:credit|quota|balance|fund)|billing|payment required|more credits|out of credits"
)
_AGAIN = re.compile(r"try again|retry (?:in|after)|rate.?limit")

# What a refusal without a number means, by its words; the first that fits.
_MEANINGS = (
    (402, _MONEY),
    (503, re.compile(r"try again|retry|rate.?limit|overloaded|busy|loading|capacity|timed? ?out|unavailable")),
    (401, re.compile(r"api.?key|unauthori[sz]ed|authenticat|forbidden|access denied")),
    (404, re.compile(r"model.*(?:not found|does not exist|not exist|unknown)|(?:unknown|no such) model")),
    (400, re.compile(r"invalid|unsupported|not support|bad request|must be|unexpected (?:field|argument)|validation")),
)
_FAILURE = 500


class Refusal(NamedTuple):
    """What a server says, and the HTTP status that it names, if it names one."""

    words: str
    status: int | None = None

    @property
    def meaning(self) -> int:
        """The status that it amounts to."""
        lowered = self.words.lower()
        return self.status or next((status for status, words in _MEANINGS if words.search(lowered)), _FAILURE)

    @property
    def is_too_long(self) -> bool:
        """Whether the prompt is longer than the model's context."""
        return bool(_TOO_LONG.search(self.words.lower()))

    @property
    def is_unpaid(self) -> bool:
        """Whether there is nothing left to pay with, which servers also give the status of a rate limit."""
        lowered = self.words.lower()
        return bool(_MONEY.search(lowered)) and not _AGAIN.search(lowered)


def find_refusal(document: Mapping[str, Any]) -> Refusal | None:
    """Return the refusal that stands in the place of an answer, None where there is none."""
    error = document.get("error")
    if not error:
        if any(document.get(key) is not None for key in _ANSWERS):
            return None
        flat = document.get("object") == "error" or any(
            document.get(key) and not isinstance(document[key], Mapping) for key in ("message", "detail", "errors")
        )
        error = document if flat else None
    if not error:
        return None
    inner = error if isinstance(error, Mapping) else {}
    numbers = [str(source.get(key)) for source in (inner, document) for key in _NUMBERS]
    status = next((int(number) for number in numbers if re.fullmatch(r"[45]\d\d", number)), None)
    return Refusal(_shorten(_find_words(error) or json.dumps(error)), status)


def read_refusal(status: int, body: str) -> Refusal:
    """Return what the body of an HTTP error says."""
    try:
        document = json.loads(body)
        if isinstance(document, Sequence) and not isinstance(document, str) and document:
            document = document[0]
        refusal = find_refusal(document) if isinstance(document, Mapping) else None
    except (ValueError, RecursionError):
        refusal = None
    if refusal is None:
        # The text of a web page.
        refusal = Refusal(_shorten(re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", body, flags=re.DOTALL)))
    return refusal._replace(status=status)


def _find_words(error: Any) -> str:
    if isinstance(error, str):
        return error
    if isinstance(error, Mapping):
        return next((words for key in _SENTENCES if (words := _find_words(error.get(key)))), "")
    if isinstance(error, Sequence):
        return "; ".join(filter(None, map(_find_words, error[:3])))
    return ""


def _shorten(text: str) -> str:
    return " ".join(text.split())[:_WORDS]
