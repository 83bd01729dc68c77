"""A desk with nothing behind it but the store: one issue, a repository in memory, a checkout, one scripted session."""

import threading
from pathlib import Path
from typing import Any

from orket_pipelines.agents.model import Assignment, Purpose
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import find_card, insert_cards
from orket_pipelines.git import MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from orket_pipelines.workbench import MemoryWorkbenches

CARD, REPOSITORY = "bench", "bench"


def open_store(folder: Path) -> Store:
    """The database of the desk in `folder`, which may be new."""
    folder.mkdir(exist_ok=True)
    return Store.open(f"sqlite:///{folder / 'orket.db'}")


def set_up(
    store: Store, folder: Path, workbenches: MemoryWorkbenches | None = None, **settings: Any
) -> tuple[Desk, Assignment]:
    """The desk in `folder`, as it stands or anew, and the assignment to work at it."""
    code, checkout = MemoryCode(folder / "code"), folder / "checkout"
    base = code.ensure(REPOSITORY, title="Bench", at=0)
    with store.write() as tx:
        if find_card(tx, CARD) is None:
            insert_cards(tx, [Card(CARD, CardKind.ISSUE, "Bench", state=CardState.IN_PROGRESS)])
    if not checkout.exists():
        code.check_out(REPOSITORY, base, checkout)
    workbench = (workbenches or MemoryWorkbenches()).open(checkout, name=CARD)
    desk = Desk(store.acting(actor="coder"), code, workbench, Settings(home=folder, **settings), threading.Event())
    return desk, Assignment(CARD, 1, "coder", Purpose.WORK, 1, base, REPOSITORY, ("true",), "Do it.")


def script(calls: list[dict[str, Any]]) -> Scripted:
    """A session that makes one of these calls a turn, and then says that it is done."""
    asks = {"request_state": {"state": "ready_for_testing", "summary": "Done."}}
    scene = {"purpose": "work", "turns": [{"calls": [call]} for call in [*calls, asks]]}
    return Scripted(Playbook.model_validate({"cards": {CARD: {"coder": [scene]}}}))
