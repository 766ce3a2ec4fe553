"""The pieces of a model's answer, in whichever form a server sends them.

An answer is a stream of events (OpenAI), lines of JSON (Ollama), or one document from a server that does not stream.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activities.inference.bounded_response import LINE_BYTES
from hydranet.errors import FatalError

# Fields of a stream of events that hold nothing of an answer, and its comments.
_OTHER_FIELDS = (b":", b"event:", b"id:", b"retry:")
_END = b"[DONE]"
_QUOTED = 100


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event adds to an answer; `arguments` are those of a tool call."""

    text: str = ""
    thoughts: str = ""
    arguments: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


async def read_events(lines: AsyncGenerator[bytes, None]) -> AsyncGenerator[Mapping[str, Any], None]:
    """Yield the JSON objects of an answer; the announced end of a stream is `{"done": True}`.

    Raises ValueError for what is no JSON object, and FatalError for a document that is too long.
    """
    document: list[bytes] = []
    room = LINE_BYTES
    async for line in lines:
        if line.startswith(b"data:"):
            data = line.removeprefix(b"data:").strip()
            if data == _END:
                yield {"done": True}
                return
            for event in _parse_objects(data) if data else ():
                yield event
        elif line.strip() and (document or not line.startswith(_OTHER_FIELDS)):
            if not document and (events := _try_objects(line)):
                for event in events:
                    yield event
                continue
            # One document over several lines.
            document.append(line)
            room -= len(line)
            if room < 0:
                raise FatalError("The model's server sent an answer that is too long: check which server answers.")
    if document:
        for event in _parse_objects(b"\n".join(document)):
            yield event


def parse_piece(event: Mapping[str, Any]) -> Piece:
    """Return what an event adds; ValueError where a field has a form that no server gives it."""
    text, thoughts, arguments, reason = "", "", "", ""
    for message, ending in _list_messages(event):
        content, inner_thoughts = _read_content(message.get("content"))
        text += content
        # llama.cpp, newer versions of vLLM, and Ollama keep the thoughts apart.
        kept_apart = next(filter(None, map(message.get, ("reasoning_content", "reasoning", "thinking"))), "")
        thoughts += inner_thoughts + (kept_apart if isinstance(kept_apart, str) else "")
        arguments += _read_arguments(message)
        reason = reason or ending
    usage = read_object(event, "usage")
    return Piece(
        text,
        thoughts,
        arguments,
        reason,
        read_count(usage.get("prompt_tokens")) or read_count(event.get("prompt_eval_count")),
        read_count(read_object(usage, "prompt_tokens_details").get("cached_tokens")),
        read_count(usage.get("completion_tokens")) or read_count(event.get("eval_count")),
    )


def read_list(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list of JSON, none for null; ValueError for anything else."""
    value = holder.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(item is None or isinstance(item, dict) for item in value):
        raise ValueError(f"its '{name}' is no list of objects")
    return [item for item in value if item]


def read_object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object of JSON, an empty one for null; ValueError for anything else."""
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"its '{name}' is no object")
    return value or {}


def read_count(value: Any) -> int:
    """Return a count, 0 for what is none."""
    return int(value) if isinstance(value, int | float) and 0 <= value <= 10**15 else 0


def read_vectors(rows: Any) -> list[list[float]]:
    """Return vectors of JSON; ValueError where they are none."""
    try:
        return [[float(number) for number in row] for row in rows or ()]
    except (TypeError, ValueError, OverflowError):
        raise ValueError("a vector in it is no list of numbers") from None


def _list_messages(event: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """Return the messages of an event, or their pieces, each with what ended it."""
    if "choices" not in event:
        ending = str(event.get("done_reason") or "stop") if event.get("done") else ""
        return [(read_object(event, "message"), ending)]
    messages = []
    for choice in read_list(event, "choices"):
        whole = read_object(choice, "message")
        message = whole or read_object(choice, "delta") or {"content": choice.get("text")}
        messages.append((message, str(choice.get("finish_reason") or ("stop" if whole else ""))))
    return messages


def _read_content(content: Any) -> tuple[str, str]:
    """Return the text and the thoughts of a content, which may be a list of parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    if isinstance(content, list):
        parts = [_read_content(part) for part in content]
        return "".join(text for text, _ in parts), "".join(thoughts for _, thoughts in parts)
    if isinstance(content, dict):
        kind = content.get("type")
        inner = next((content[key] for key in ("text", "thinking", "content", "value") if content.get(key)), None)
        text, thoughts = _read_content(inner)
        return ("", text + thoughts) if kind in ("thinking", "reasoning") else (text, thoughts)
    raise ValueError("its 'content' is no text")


def _read_arguments(message: Mapping[str, Any]) -> str:
    """Return the arguments of the first tool call, or a piece of them."""
    calls: Sequence[Mapping[str, Any]] = read_list(message, "tool_calls")
    if not calls and message.get("function_call"):
        calls = [{"function": message["function_call"]}]
    own = [call for number, call in enumerate(calls) if (call.get("index") or number) == 0]
    arguments = [read_object(call, "function").get("arguments") for call in own]
    return "".join(value if isinstance(value, str) else json.dumps(value) for value in arguments if value)


def _parse_objects(data: bytes) -> list[Mapping[str, Any]]:
    text = data.decode(errors="replace")
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError(f"'{' '.join(text.split())[:_QUOTED]}' is no JSON") from None
    objects = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in objects):
        raise ValueError("it is no JSON object")
    return objects


def _try_objects(line: bytes) -> list[Mapping[str, Any]]:
    try:
        return _parse_objects(line)
    except ValueError:
        return []
