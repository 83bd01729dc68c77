"""What the factory asks of a language model, whatever stands behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orket_pipelines.agents.dialects import Dialect

if TYPE_CHECKING:  # loading it takes a second, and who only names these types need not wait
    from pydantic_ai.models import Model
    from pydantic_ai.usage import RequestUsage

    from orket_pipelines.agents.models.recording import Recording

Price = Callable[["RequestUsage"], float | None]
"""USD for one answer; None where the price is not known, which is said and never taken for 0."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model for one session: its connections belong to the event loop of that session.

    `name` is shown wherever its answers are. `streaming` asks for answers as they come. `recording` keeps
    them. One that does not `connect` has nothing to open and close.
    """

    name: str
    model: "Model"
    price: Price
    dialect: Dialect
    streaming: bool = False
    recording: "Recording | None" = None
    connects: bool = True


class Models(Protocol):
    """The models there are, by the names that the settings give them."""

    def chain(self, name: str | None) -> tuple[str, ...]:
        """The model of this name, by default the one for all work, and those that stand in for it, in order.

        Raises: ModelError where there is no such model.
        """

    def open(self, name: str) -> LanguageModel:
        """A model of its own for one session."""
