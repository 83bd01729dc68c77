"""The table of moves as people and programs read it: sentences, plain data, and Mermaid."""

from typing import Any

from orket_pipelines.cards.model import TERMINAL, CardKind, CardState, WaitReason
from orket_pipelines.cards.transitions import GUARD, RULES, TABLES, Rule

DRAWN = {CardKind.ISSUE: "Issues, utility and app cards", CardKind.EPIC: "Epics", CardKind.ROCK: "Rocks"}
"""The kinds that have a table of their own, with the heading of its diagram."""


def rules_of(kind: CardKind) -> list[Rule]:
    """The rows of one kind, in the order of the states."""
    return [rule for rule in RULES if rule.kind is kind]


def who_may(rule: Rule) -> str:
    """Who may make a move: `anybody`, a role, or a role and on what ground another."""
    named = " or ".join(rule.actors) or "anybody"
    return f"{named}; {rule.on_approval} on the approval of {GUARD}" if rule.on_approval else named


def what_it_needs(rule: Rule) -> str:
    """What a move asks for besides; empty where that is nothing."""
    if rule.needs_reason:
        return "a wait reason"
    return "every card in it done or canceled" if rule.ends_children else ""


def rules_document() -> dict[str, Any]:
    """Everything about moves as plain data."""
    return {
        "kinds": [str(kind) for kind in TABLES],
        "states": [str(state) for state in CardState],
        "final": sorted(TERMINAL),
        "wait_reasons": [str(reason) for reason in WaitReason],
        "moves": [
            {
                "kind": str(rule.kind),
                "from": str(rule.start),
                "to": str(rule.end),
                "actors": list(rule.actors),
                "on_approval": rule.on_approval,
                "needs_wait_reason": rule.needs_reason,
                "ends_children": rule.ends_children,
            }
            for rule in RULES
        ],
    }


def draw_diagrams() -> str:
    """A Mermaid state diagram for each table, under a heading of its own, as Markdown."""
    return "\n\n".join(f"### {heading}\n\n{draw_diagram(kind)}" for kind, heading in DRAWN.items())


def draw_diagram(kind: CardKind) -> str:
    """One table as a Mermaid state diagram; a move says who may make it where not everybody may."""
    rows = rules_of(kind)
    begins = [f"    [*] --> {CardState.READY}"]
    ends = [f"    {state} --> [*]" for state in CardState if state in TERMINAL]
    return "\n".join(["```mermaid", "stateDiagram-v2", *begins, *map(_arrow, rows), *ends, "```"])


def _arrow(rule: Rule) -> str:
    notes = [" or ".join(rule.actors)] if rule.actors else []
    if rule.on_approval:
        notes.append(f"or {rule.on_approval} on its approval")
    if rule.needs_reason:
        notes.append("wait reason")
    told = f": {', '.join(notes)}" if notes else ""
    return f"    {rule.start} --> {rule.end}{told}"


def kinds_alike(kind: CardKind) -> str:
    """The kinds that share the table of this one: `issue, utility, app`."""
    return ", ".join(other for other in TABLES if TABLES[other] is TABLES[kind])
