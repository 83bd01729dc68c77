"""Tool calls that a local model printed as text: read where its dialect says so, and marked in what is stored.

Read is only what can be nothing else: the end of an answer in the family's own notation, or an answer that is one JSON
value; each call names a tool that was offered, with an object of arguments. What is read passes the gate like any call.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

MARK = "calls_read_from_text"
"""The key of an answer's metadata that holds the ids of the calls that were text."""
_TAGS = re.compile(r"(?:<tool_call>\s*(?:(?!</?tool_call>).)*</tool_call>\s*)+\Z", re.DOTALL)
_TAG = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_BRACKETS = "[TOOL_CALLS]"
_FENCED = re.compile(r"\A```(?:json)?\s*\n(.*)\n\s*```\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """What was said besides, and the values that may be calls."""

    rest: str
    values: tuple[Any, ...]


def read_text_calls(response: ModelResponse, notations: Collection[str], tools: Collection[str]) -> ModelResponse:
    """The answer with its printed calls as calls; the answer itself where it has real ones, or none can be read."""
    if not notations or any(isinstance(part, ToolCallPart) for part in response.parts):
        return response
    said = "".join(part.content for part in response.parts if isinstance(part, TextPart)).strip()
    for notation in notations:
        found = NOTATIONS[notation](said)
        calls = [_call(value, tools) for value in found.values] if found else []
        if found and calls and all(calls):
            kept = [part for part in response.parts if not isinstance(part, TextPart)]
            words = [TextPart(found.rest)] if found.rest else []
            read = [call for call in calls if call is not None]
            marked = {MARK: [call.tool_call_id for call in read]}
            return replace(response, parts=[*kept, *words, *read], metadata=(response.metadata or {}) | marked)
    return response


def _call(value: Any, tools: Collection[str]) -> ToolCallPart | None:
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in tools:
        return None
    given = value.get("arguments", value.get("parameters", {}))
    return ToolCallPart(name, given) if isinstance(given, dict) else None


def _in_tags(said: str) -> Found | None:
    tail = _TAGS.search(said)
    if tail is None:
        return None
    return _loaded(said[: tail.start()], *_TAG.findall(tail[0]))


def _in_brackets(said: str) -> Found | None:
    rest, mark, tail = said.partition(_BRACKETS)
    return _loaded(rest, tail) if mark else None


def _as_json(said: str) -> Found | None:
    fenced = _FENCED.match(said)
    return _loaded("", fenced[1] if fenced else said)


def _loaded(rest: str, *texts: str) -> Found | None:
    values: list[Any] = []
    for text in texts:
        try:
            value = json.loads(text)
        except ValueError:
            return None
        values += value if isinstance(value, list) else [value]
    return Found(rest.strip(), tuple(values))


NOTATIONS: Mapping[str, Callable[[str], Found | None]] = {
    "tags": _in_tags,
    "brackets": _in_brackets,
    "json": _as_json,
}
"""`tags`: <tool_call>{…}</tool_call> ends the answer. `brackets`: [TOOL_CALLS][…] ends it. `json`: it is one JSON
value, with a fence around it or without.
"""
