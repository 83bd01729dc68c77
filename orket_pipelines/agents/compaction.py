"""What a long conversation is cut down to: the goal, what was decided and called, the last results in full.

Older answers keep their words and their calls, cut to an excerpt; older results too, with how much was left out, so
that the call can be made again. Which exchanges are cut follows from the conversation alone, so that a session that is
taken up again tells its model the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from pydantic_ai.messages import (
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
)

KEPT = 6
"""The last exchanges, which are never cut."""
BLOCK = 8
"""Exchanges that are cut at once, if there are so many: servers that cache like what comes before to stay the same."""
EXCERPT = 300
"""Characters that are left of a text."""

CHARACTERS = 3
"""Of a token, on the safe side: code has fewer than prose."""

Size = tuple[int, int]
"""Characters of an exchange: whole, and cut."""


def characters_for(tokens: int, prompt: int) -> int:
    """What a conversation may have in a window of `tokens`, beside its prompt; a fifth is left to the answer."""
    return max(0, int(tokens * CHARACTERS * 0.8) - prompt)


def count_cut(sizes: Sequence[Size], limit: int) -> int:
    """How many of the first exchanges are cut so that all have at most `limit` characters, where that is possible.

    More exchanges never mean fewer that are cut.
    """
    cut = total = 0
    for number, (whole, _) in enumerate(sizes, 1):
        total += whole
        while total > limit and cut < number - KEPT:
            more = min(BLOCK, number - KEPT - cut)
            total -= sum(before - after for before, after in sizes[cut : cut + more])
            cut += more
    return cut


def cut_response(response: ModelResponse) -> ModelResponse:
    """An answer without its thoughts, its words and the arguments of its calls cut."""
    parts = [_cut_part(part) for part in response.parts if not isinstance(part, ThinkingPart)]
    return replace(response, parts=parts or [TextPart("…")])


def cut_request(request: ModelRequest) -> ModelRequest:
    """What a model was told, with the results of its calls cut."""
    return replace(request, parts=[_cut_result(part) for part in request.parts])


def measure(message: ModelRequest | ModelResponse) -> int:
    """Characters of a message, as far as they grow with what is said."""
    return sum(_length(part) for part in message.parts)


def _length(part: ModelRequestPart | ModelResponsePart) -> int:
    if isinstance(part, ToolCallPart):
        return len(part.args_as_json_str())
    return len(str(getattr(part, "content", "")))


def _cut_part(part: ModelResponsePart) -> ModelResponsePart:
    if isinstance(part, TextPart):
        return replace(part, content=_excerpt(part.content))
    if isinstance(part, ToolCallPart) and len(part.args_as_json_str()) > EXCERPT:
        return replace(part, args=_cut_value(part.args_as_dict()))
    return part


def _cut_value(value: Any) -> Any:
    if isinstance(value, str):
        return _excerpt(value)
    if isinstance(value, dict):
        return {name: _cut_value(each) for name, each in value.items()}
    return [_cut_value(each) for each in value] if isinstance(value, list) else value


def _cut_result(part: ModelRequestPart) -> ModelRequestPart:
    if isinstance(part, ToolReturnPart) and isinstance(part.content, str):
        return replace(cast("ToolReturnPart[str]", part), content=_excerpt(part.content))
    return part


def _excerpt(text: str) -> str:
    if len(text) <= EXCERPT:
        return text
    return f"{text[:EXCERPT]}… [{len(text) - EXCERPT} characters were left out here; the call can be made again]"
