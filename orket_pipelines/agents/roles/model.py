"""What a role is."""

from dataclasses import dataclass

from orket_pipelines.cards.model import CardState


@dataclass(frozen=True, slots=True)
class Role:
    """Who works on cards, and what it may do there.

    `intent` is one sentence for people. `tools` are the names of the tools that it may call, `states` the states
    that it may request for a card; the gate refuses everything else. `prompt` is the text that its sessions begin with.
    """

    name: str
    intent: str
    tools: frozenset[str]
    states: frozenset[CardState]
    prompt: str
