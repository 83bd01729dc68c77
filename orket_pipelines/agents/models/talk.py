"""A session's talk with a model, and with those that stand in for it where it gives no answer."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.tools import ToolDefinition

from orket_pipelines.agents.models.conversation import Conversation, ConversationTooLong
from orket_pipelines.agents.models.model import LanguageModel, Models
from orket_pipelines.clock import Clock
from orket_pipelines.errors import ModelError
from orket_pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class Silence:
    """A model that was asked and gave no answer, and why, in one line."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, who answered, and who was asked before in vain."""

    response: ModelResponse
    model: LanguageModel
    silent: tuple[Silence, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What every model of a talk is asked with."""

    tools: Sequence[ToolDefinition]
    settings: Settings
    stop: threading.Event
    clock: Clock


class Talk:
    """One session's talk; a context manager, since models have connections of their own.

    A model that gave no answer rests for a while: with each turn it would cost its whole patience again.
    """

    def __init__(self, models: Models, name: str | None, terms: Terms) -> None:
        self._models = models
        self._chain = models.chain(name)
        self._terms = terms
        self._opened: dict[str, LanguageModel] = {}
        self._conversations: dict[str, Conversation] = {}
        self._rested_at: dict[str, float] = {}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.__exit__(kind, error, trace)

    @property
    def model(self) -> LanguageModel:
        """The model that is asked first."""
        return self._open(self._chain[0])

    def go_on_with(self, name: str) -> None:
        """Ask another model from now on. Raises: ModelError where there is no such model."""
        if name != self._chain[0]:
            self._chain = self._models.chain(name)

    def ask(self, messages: Sequence[ModelMessage]) -> Answer:
        """The answer of the first model that gives one.

        Raises: ModelError where none does; ConversationTooLong where one says so, since it has answered; Stopped.
        """
        silent: list[Silence] = []
        step = ""
        for name in self._awake():
            try:
                response = self._conversation(name).ask(messages)
            except ConversationTooLong:
                raise
            except ModelError as error:
                if len(self._chain) == 1:
                    raise
                silent.append(Silence(name, str(error)))
                step = step or error.next_step
                self._rested_at[name] = self._terms.clock.monotonic() + self._terms.settings.model_rest
            else:
                return Answer(response, self._open(name), tuple(silent))
        raise ModelError("; ".join(each.reason for each in silent), next_step=step)

    def _awake(self) -> Sequence[str]:
        """Whom to ask, in order: who does not rest; everybody where all do."""
        now = self._terms.clock.monotonic()
        return [name for name in self._chain if self._rested_at.get(name, now) <= now] or self._chain

    def _open(self, name: str) -> LanguageModel:
        if name not in self._opened:
            self._opened[name] = self._models.open(name)
        return self._opened[name]

    def _conversation(self, name: str) -> Conversation:
        if name not in self._conversations:
            terms = self._terms
            conversation = Conversation(self._open(name), terms.tools, terms.settings, terms.stop)
            self._conversations[name] = self._exits.enter_context(conversation)
        return self._conversations[name]
