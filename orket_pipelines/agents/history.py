"""The conversation of a session, rebuilt from what is stored: the prompt, each answer, the results of its calls."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from orket_pipelines.agents.compaction import Size, characters_for, count_cut, cut_request, cut_response, measure
from orket_pipelines.agents.prompts import silent_text, stuck_text
from orket_pipelines.agents.records import Call, CallResult, Session, Turn
from orket_pipelines.agents.redaction import storable
from orket_pipelines.agents.roles import Role
from orket_pipelines.agents.stuck import Circle, Watch, observe
from orket_pipelines.cards.model import CardState

TESTS = "run_tests"
READS_BACK = frozenset({"timestamp", "state"})
"""Of a message: its turn has its moment, and what is stored is complete."""
OUTCOMES: dict[str, Literal["success", "failed", "denied"]] = {
    "done": "success",
    "failed": "failed",
    "denied": "denied",
}
"""What pydantic-ai calls our verdicts."""


def opening(system: str, message: str) -> list[ModelMessage]:
    """The first request of a conversation."""
    return [ModelRequest(parts=[SystemPromptPart(system), UserPromptPart(message)])]


def written(messages: list[ModelMessage]) -> list[dict[str, Any]]:
    """Messages as JSON. What is not set, nothing, or stands in the turn's own columns is left out; arguments of tools,
    where null means null, are kept."""
    dumped = ModelMessagesTypeAdapter.dump_python(messages, mode="json")
    return [_needed(message) | {"parts": list(map(_without_nulls, message["parts"]))} for message in dumped]


def settled(response: ModelResponse) -> ModelResponse:
    """An answer as it can be stored and gone on with: text that every database takes, and an id of its own a call.

    Some servers give two calls the same id, or none; results and effects need one each.
    """
    parts: list[ModelResponsePart] = []
    seen: set[str] = set()
    for position, part in enumerate(response.parts):
        if isinstance(part, TextPart | ThinkingPart):
            parts.append(replace(part, content=storable(part.content)))
        elif isinstance(part, ToolCallPart):
            parts.append(_settled_call(part, position, seen))
        else:
            parts.append(part)
    return replace(response, parts=parts)


def _settled_call(call: ToolCallPart, position: int, seen: set[str]) -> ToolCallPart:
    given = storable(call.tool_call_id)
    call_id = f"{given}-{position}" if not given or given in seen else given
    seen.add(call_id)
    args = storable(call.args) if isinstance(call.args, str) else call.args
    return replace(call, tool_name=storable(call.tool_name), tool_call_id=call_id, args=args)


@dataclass(slots=True)
class Exchange:
    """One answer and the results of its calls so far, by call id. `card_state` is where the card stood when it came.

    `circle`: the calls up to these went round in a circle, which the model is told. `note` is told it besides. `size`
    is None until all its calls have ended.
    """

    number: int
    response: ModelResponse
    card_state: CardState
    results: dict[str, CallResult] = field(default_factory=dict)
    circle: Circle | None = None
    note: str = ""
    size: Size | None = None

    @property
    def calls(self) -> list[ToolCallPart]:
        return [part for part in self.response.parts if isinstance(part, ToolCallPart)]

    @property
    def open_calls(self) -> list[ToolCallPart]:
        return [call for call in self.calls if call.tool_call_id not in self.results]

    def told(self, tools: Iterable[str]) -> ModelRequest:
        """What the model is told after this answer."""
        parts: list[ModelRequestPart] = [self._returned(call) for call in self.calls]
        said = [] if self.calls else [silent_text(tools)]
        if self.circle is not None:
            said.append(stuck_text(str(self.circle)))
        if self.note:
            said.append(self.note)
        return ModelRequest(parts=[*parts, *map(UserPromptPart, said)])

    def measure(self, tools: Iterable[str]) -> Size:
        """Its characters, whole and cut; all its calls have ended by now."""
        told = self.told(tools)
        whole = measure(self.response) + measure(told)
        self.size = (whole, measure(cut_response(self.response)) + measure(cut_request(told)))
        return self.size

    def _returned(self, call: ToolCallPart) -> ToolReturnPart:
        result = self.results[call.tool_call_id]
        return ToolReturnPart(call.tool_name, result.text, call.tool_call_id, outcome=OUTCOMES[result.verdict])


@dataclass(slots=True)
class History:
    """All exchanges of a session; `tree` is the checkout's last checkpoint, `limit` how many characters are told."""

    prompt: list[ModelMessage]
    tools: frozenset[str]
    tree: str | None
    exchanges: list[Exchange] = field(default_factory=list)
    watch: Watch = field(default_factory=Watch)
    limit: int = sys.maxsize

    @classmethod
    def begun(cls, session: Session, role: Role, prompt: list[ModelMessage] | None = None) -> "History":
        """Of a session without a turn. `prompt` is its prompt where it was made just now."""
        made = prompt or ModelMessagesTypeAdapter.validate_python(session.prompt)
        return cls(made, role.tools, session.starting_tree)

    @classmethod
    def rebuilt(
        cls, session: Session, role: Role, turns: list[Turn], calls: list[Call], card_state: CardState
    ) -> "History":
        """Of a session, from what is stored."""
        history = cls.begun(session, role)
        for turn in turns:
            history.exchanges.append(_read_exchange(turn, card_state))
        for call in calls:
            if call.result is not None:
                history.settle(history.exchanges[call.turn - 1], call.call_id, call.result)
        return history

    def settle(self, exchange: Exchange, call_id: str, result: CallResult) -> None:
        """Take in what a call of `exchange` ended with."""
        exchange.results[call_id] = result
        self.tree = result.tree or self.tree
        call = next(each for each in exchange.calls if each.tool_call_id == call_id)
        seen = observe(call.tool_name, call.args_as_json_str(), result.verdict, result.text, result.tree)
        exchange.circle = self.watch.see(seen) or exchange.circle

    @property
    def circles(self) -> list[Circle]:
        """The circles that the session went in, in order."""
        return [each.circle for each in self.exchanges if each.circle is not None]

    @property
    def open_calls(self) -> list[ToolCallPart]:
        """The calls of the last answer that have no result yet, in order."""
        return self.exchanges[-1].open_calls if self.exchanges else []

    @property
    def tools_called(self) -> list[str]:
        """The names of the tools of all calls that have a result, in order."""
        return [call.tool_name for each in self.exchanges for call in each.calls if call.tool_call_id in each.results]

    @property
    def messages(self) -> list[ModelMessage]:
        """The whole conversation, as the model is to see it."""
        cut = count_cut(self._sizes(), self.limit)
        tested = self._last_tested() if cut else None
        messages = list(self.prompt)
        for number, exchange in enumerate(self.exchanges):
            response, told = exchange.response, exchange.told(self.tools)
            if number < cut:
                response, told = cut_response(response), told if number == tested else cut_request(told)
            messages += [response, told]
        return messages

    def fit(self, tokens: int) -> None:
        """Keep to a context window of so many tokens."""
        self.limit = characters_for(tokens, sum(measure(message) for message in self.prompt))

    def tighten(self) -> bool:
        """Ask for half of what the conversation has now; False where nothing more can be cut."""
        sizes = self._sizes()
        cut = count_cut(sizes, self.limit)
        said = sum(after if number < cut else whole for number, (whole, after) in enumerate(sizes))
        self.limit = said // 2
        return count_cut(sizes, self.limit) > cut

    def _sizes(self) -> list[Size]:
        return [exchange.size or exchange.measure(self.tools) for exchange in self.exchanges]

    def _last_tested(self) -> int | None:
        """The last run of the tests: what is still to be mended stands in its result."""
        tested = (
            number
            for number in reversed(range(len(self.exchanges)))
            if any(call.tool_name == TESTS for call in self.exchanges[number].calls)
        )
        return next(tested, None)

    @property
    def is_warned(self) -> bool:
        """Whether the model was told that little is left."""
        return any(exchange.note for exchange in self.exchanges)

    @property
    def silent_turns(self) -> int:
        """How many answers in a row, up to the last one, called no tool."""
        count = 0
        for exchange in reversed(self.exchanges):
            if exchange.calls:
                break
            count += 1
        return count


def as_turn(exchange: Exchange) -> list[dict[str, Any]]:
    """The messages that a turn is stored with: the answer, and what is noted to the model about it."""
    noted = [ModelRequest(parts=[UserPromptPart(exchange.note)])] if exchange.note else []
    return written([exchange.response, *noted])


def _read_exchange(turn: Turn, card_state: CardState) -> Exchange:
    response, *noted = ModelMessagesTypeAdapter.validate_python(turn.messages)
    note = "".join(str(part.content) for part in noted[0].parts if isinstance(part, UserPromptPart)) if noted else ""
    return Exchange(turn.number, cast("ModelResponse", response), card_state, note=note)


def _needed(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what reads back by itself: zeros of its usage, its state where it is whole, its moment."""
    kept = {name: value for name, value in _without_nulls(message).items() if name not in READS_BACK}
    if "usage" in kept:
        kept["usage"] = {name: value for name, value in kept["usage"].items() if value}
    return kept


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
