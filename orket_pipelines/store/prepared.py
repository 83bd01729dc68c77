"""Statements that stand at the top of a module: written in SQLAlchemy, compiled once, run by the database's driver.

What a module prepares it knows by heart: the SQL, the order of the parameters, and how values go in and out.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from orket_pipelines.store.drivers import Driver

_decode = json.JSONDecoder().decode
encode = json.JSONEncoder(separators=(",", ":")).encode
"""JSON as it is stored, on both ways: without spaces, which are a tenth of it."""
Parameters = Mapping[str, Any]
Converts = tuple[tuple[int, Callable[[Any], Any]], ...]
"""The positions of the values that are stored in another form, and how they get there, or back."""


class Rows:
    """All that a statement brought. Rows are named tuples; it answers the same questions as SQLAlchemy's result."""

    __slots__ = ("_rows", "_touched")

    def __init__(self, rows: list[Any], touched: int | Callable[[], int]) -> None:
        self._rows = rows
        self._touched = touched

    @property
    def rowcount(self) -> int:
        """How many rows the statement found or changed."""
        return self._touched if isinstance(self._touched, int) else self._touched()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Every row."""
        return self._rows

    def first(self) -> Any:
        """The first row; None where there is none."""
        return self._rows[0] if self._rows else None

    def scalar(self) -> Any:
        """The first column of the first row; None where there is none."""
        return self._rows[0][0] if self._rows else None

    def scalars(self) -> "Rows":
        """The first column of every row."""
        return Rows([row[0] for row in self._rows], self._touched)

    def mappings(self) -> "Rows":
        """Every row as a dictionary."""
        return Rows([row._asdict() for row in self._rows], self._touched)


class Prepared:
    """A statement without parameters of changing number (`IN` over a list that is passed); run it many times.

    As in SQLAlchemy, an insert or update sets the columns that parameters are passed for.
    """

    def __init__(self, statement: sa.Select[Any] | sa.Insert | sa.Update | sa.Delete) -> None:
        self.statement = statement
        self._forms: dict[tuple[str, tuple[str, ...]], _Form] = {}

    def run(self, driver: Driver, parameters: Parameters) -> Rows:
        """Raises: SQLAlchemy's errors."""
        form = self._form(driver, tuple(parameters))
        rows, touched = driver.run(form.sql, form.bind(parameters), rows=form.brings_rows)
        return Rows(form.read(rows) if rows else rows, touched)

    def demand(self, driver: Driver, parameters: Parameters, *, otherwise: Callable[[], Exception]) -> None:
        """Let nothing be committed unless this query finds a row. Raises: as `Driver.demand`."""
        form = self._form(driver, tuple(parameters))
        driver.demand(form.sql, form.bind(parameters), otherwise=otherwise)

    def _form(self, driver: Driver, names: tuple[str, ...]) -> "_Form":
        # One store may be SQLite, and the next one of the same process PostgreSQL.
        form = self._forms.get((driver.dialect.name, names))
        if form is None:
            form = self._forms[driver.dialect.name, names] = _compile(self.statement, names, driver)
        return form


def insert_in_order(table: sa.Table) -> Prepared:
    """An insert whose `position` is the number of rows that the card `b_card_id` of `b_workspace_id` has there."""
    earlier = table.alias()
    mine = sa.and_(
        earlier.c.workspace_id == sa.bindparam("b_workspace_id"), earlier.c.card_id == sa.bindparam("b_card_id")
    )
    count = sa.select(sa.func.count()).select_from(earlier).where(mine)
    return Prepared(sa.insert(table).values(position=count.scalar_subquery()))


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement as one driver takes it, for one set of parameters."""

    sql: str
    pick: Callable[[Parameters], tuple[Any, ...]]
    constants: Parameters
    binds: Converts
    brings_rows: bool
    row: Callable[[Iterable[Any]], Any]
    converts: Converts

    def bind(self, parameters: Parameters) -> Sequence[Any]:
        """The values in the order in which the statement has them."""
        values = self.pick({**self.constants, **parameters} if self.constants else parameters)
        return _converted(values, self.binds) if self.binds else values

    def read(self, rows: list[Any]) -> list[Any]:
        """Rows as the columns' types want them."""
        if self.converts:
            rows = [_converted(row, self.converts) for row in rows]
        return list(map(self.row, rows))


def _converted(values: Iterable[Any], converts: Converts) -> list[Any]:
    changed = list(values)
    for index, convert in converts:
        changed[index] = convert(changed[index])
    return changed


def _compile(statement: Any, names: tuple[str, ...], driver: Driver) -> _Form:
    keys = list(names) if isinstance(statement, sa.Insert | sa.Update) else None
    compiled: Any = statement.compile(dialect=driver.dialect, column_keys=keys)
    columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
    row: Any = NamedTuple("Row", [(column.name, Any) for column in columns])  # type: ignore[misc]
    order: list[str] = compiled.positiontup
    into = [_into(compiled.binds[name].type, driver) for name in order]
    out_of = [_out_of(column.type, driver) for column in columns]
    return _Form(
        sql=str(compiled),
        # The quicker of the two gives no tuple for a single name.
        pick=itemgetter(*order) if len(order) > 1 else lambda values: tuple(values[name] for name in order),
        constants={name: value for name, value in compiled.params.items() if name not in names},
        binds=_where_needed(into),
        brings_rows=bool(columns),
        row=partial(tuple.__new__, row),
        converts=_where_needed(out_of),
    )


def _into(kind: Any, driver: Driver) -> Callable[[Any], Any] | None:
    if isinstance(kind, sa.JSON):
        return encode
    dialect = driver.dialect
    processor: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return processor


def _out_of(kind: Any, driver: Driver) -> Callable[[Any], Any] | None:
    if driver.reads_types:
        return None
    if isinstance(kind, sa.JSON):
        return _read_json
    dialect = driver.dialect
    processor: Callable[[Any], Any] | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return processor


def _read_json(text: str | None) -> Any:
    return None if text is None else _decode(text)


def _where_needed(converts: Iterable[Callable[[Any], Any] | None]) -> Converts:
    return tuple((index, convert) for index, convert in enumerate(converts) if convert is not None)
