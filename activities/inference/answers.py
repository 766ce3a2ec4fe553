"""From what a model said to a checked answer: read leniently, validated strictly."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, TypeVar, get_args

import json_repair
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hydranet.bounded_models import FilePath, Line, Note
from hydranet.errors import HydraError
from hydranet.invalid_values import explain_field
from hydranet.text.escaping import clean_text

# Longer answers than these characters are not read to the end: repairing takes quadratic time.
_LIMIT = 8000

_THOUGHTS = re.compile(r"\A(?:\s*<think>.*?(?:</think>|\Z)|.*?^</think>[ \t]*$)", re.DOTALL | re.MULTILINE)

REWRITE = "rewrite function"

KINDS = (
    "boundary condition",
    "wrong operator",
    "wrong variable",
    "missing guard",
    "missing update",
    "wrong order",
    "wrong value",
    REWRITE,
)
"""The kinds of change a strategy may name; another wording would make an old strategy look new."""


class AnswerError(HydraError):
    """The answer is not what was asked for: a failed step, never a failed run."""


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        return "\n".join(str(_flat(item)) for item in value)
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_flat(item)}" for key, item in value.items())
    return "" if value is None else clean_text(str(value))


def _names(value: Any) -> Any:
    items = value if isinstance(value, list) else str(value or "").split(",")
    return [clean_text(item).strip().removesuffix("()") for item in items if isinstance(item, str) and item.strip()]


def _numbers(value: Any) -> Any:
    return [int(numbers) for numbers in re.findall(r"\d{1,3}", str(value)[:_LIMIT])]


def _lines(value: Any) -> Any:
    """Return a list of texts of a list or of a single text; what is no text is left out."""
    items = value if isinstance(value, list) else [value]
    return [clean_text(item).strip() for item in items if isinstance(item, str) and item.strip()]


def _keep_flaws(value: Any) -> Any:
    findings = []
    for item in value if isinstance(value, list) else []:
        with suppress(ValidationError):
            findings.append(Flaw.model_validate(item))
    return findings


AnyText = BeforeValidator(_flat)
Names = Annotated[list[str], BeforeValidator(_names)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Hypothesis(_Answer):
    """One strategy as a model words it."""

    title: Annotated[Line, AnyText]
    rationale: Annotated[Note, AnyText] = ""
    plan: Annotated[Note, AnyText] = ""
    kind: Annotated[Line, AnyText] = ""
    target_files: Names = []
    target_symbols: Names = []

    @model_validator(mode="after")
    def _know_kind(self) -> "Hypothesis":
        # Small models name the kind in the title and choose any for the field.
        for text in (self.title.lower(), self.kind.strip().lower()):
            for kind in KINDS:
                if kind in text:
                    self.kind = kind
                    return self
        self.kind = REWRITE
        return self


class Ranking(_Answer):
    """Numbers of hypotheses, counted from 1, as a model orders them."""

    order: Annotated[list[int], BeforeValidator(_numbers)] = []

    def places(self, count: int) -> list[int]:
        """Every place from 0 to `count` - 1 once: those the model named in its order, then the others."""
        named = [number - 1 for number in self.order if 0 < number <= count]
        return list(dict.fromkeys([*named, *range(count)]))


class Ballot(_Answer):
    """Which of two, counted from 1, a model takes for right, and why."""

    reason: Annotated[Line, AnyText] = ""
    right: Annotated[int, Field(ge=1, le=2)]


FlawKind = Literal["regression", "incomplete", "special case", "unneeded"]
FLAW_KINDS = get_args(FlawKind)
"""What a critique may note."""


class Flaw(_Answer):
    """Something that a model notes of a changed file."""

    kind: FlawKind
    file: Annotated[FilePath, AnyText]
    text: Annotated[Line, AnyText]


class Critique(_Answer):
    """What a model notes of a fix; findings that are not in the form are left out."""

    findings: Annotated[list[Flaw], BeforeValidator(_keep_flaws)]


class PlanWords(_Answer):
    """A plan as a model words it."""

    summary: Annotated[Line, AnyText]
    steps: Annotated[Note, AnyText] = ""


class CuriousPlanWords(PlanWords):
    """The same from a model that may look first: what it asks to see."""

    investigate: Annotated[list[str], BeforeValidator(_lines)] = []


class Reflection(_Answer):
    """A reflection as a model words it."""

    lesson: Annotated[Note, AnyText]
    next: Annotated[Note, AnyText] = ""
    look_at: Names = []


Kind = TypeVar("Kind", bound=_Answer)


def parse_answer(text: str, kind: type[Kind]) -> Kind:
    """Return the answer `text` holds, whatever stands around it; AnswerError when it holds none."""
    value = _json(text)
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), None)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise AnswerError(f"The answer does not fit: {explain_field(error)}.") from None


def parse_hypotheses(text: str) -> list[Hypothesis]:
    """Return the strategies `text` holds; those that do not fit are left out."""
    value = _json(text)
    if isinstance(value, Mapping):
        value = value.get("strategies", [value])
    hypotheses = []
    for item in value if isinstance(value, list) else []:
        try:
            hypotheses.append(Hypothesis.model_validate(item))
        except ValidationError:
            continue
    return [hypothesis for hypothesis in hypotheses if hypothesis.title.strip()]


def strip_thoughts(text: str) -> str:
    """`text` without the thoughts that some models begin with, with or without the tag that opens them."""
    return _THOUGHTS.sub("", text, count=1)


def build_schema(kind: type[BaseModel], limits: Mapping[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the JSON schema of a flat answer: texts, and lists of texts; `limits` adds to single fields."""
    properties: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        is_list = field.annotation == list[str]
        shape: dict[str, Any] = {"type": "array", "items": {"type": "string"}} if is_list else {"type": "string"}
        properties[name] = shape | (limits or {}).get(name, {})
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _json(text: str) -> Any:
    body = strip_thoughts(text)[:_LIMIT]
    start = re.search(r"[{\[]", body)
    if start is None:
        raise AnswerError("The answer holds no JSON.")
    try:
        return json_repair.loads(body[start.start() :])
    except (ValueError, RecursionError):
        raise AnswerError("The answer holds no readable JSON.") from None
