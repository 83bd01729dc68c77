"""Statements that stand at the top of a module: written in SQLAlchemy, compiled once, run by SQLite's own driver.

SQLAlchemy builds an execution anew for every statement that it runs, which costs several times what SQLite needs to
answer. What a module prepares it knows by heart: the SQL, the order of the parameters, and how values go in and out.
PostgreSQL, where the way to the server is longer than that, runs the same statement through SQLAlchemy.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

_decode = json.JSONDecoder().decode
encode = json.JSONEncoder(separators=(",", ":")).encode
"""JSON as it is stored, on both ways: without spaces, which are a tenth of it."""
Parameters = Mapping[str, Any]
Converts = tuple[tuple[int, Callable[[Any], Any]], ...]
"""The positions of the values that are stored in another form, and how they get there, or back."""


class Rows:
    """All that a statement brought. Rows are named tuples; it answers the same questions as SQLAlchemy's result."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

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
        return Rows([row[0] for row in self._rows], self.rowcount)

    def mappings(self) -> "Rows":
        """Every row as a dictionary."""
        return Rows([row._asdict() for row in self._rows], self.rowcount)


class Prepared:
    """A statement without parameters of changing number (`IN` over a list that is passed); run it many times.

    As in SQLAlchemy, an insert or update sets the columns that parameters are passed for.
    """

    def __init__(self, statement: sa.Select[Any] | sa.Insert | sa.Update | sa.Delete) -> None:
        self.statement = statement
        self._forms: dict[tuple[str, ...], _Form] = {}

    def run(self, connection: sa.Connection, parameters: Parameters) -> Rows:
        """On a connection of SQLAlchemy."""
        result = connection.execute(self.statement, parameters, execution_options={"preserve_rowcount": True})
        return Rows(list(result) if result.returns_rows else [], result.rowcount)

    def run_on_driver(self, driver: sqlite3.Connection, dialect: sa.Dialect, parameters: Parameters) -> Rows:
        """On a connection of SQLite's driver. Raises: SQLAlchemy's errors, as `run` does."""
        names = tuple(parameters)
        form = self._forms.get(names)
        if form is None:
            form = self._forms[names] = _compile(self.statement, names, dialect)
        try:
            cursor = driver.execute(form.sql, form.bind(parameters))
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            raise as_sqlalchemy(error, form.sql) from error
        return Rows(form.read(rows) if rows else rows, cursor.rowcount)


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
    """A statement as SQLite's driver takes it, for one set of parameters."""

    sql: str
    pick: Callable[[Parameters], tuple[Any, ...]]
    constants: Parameters
    binds: Converts
    row: Callable[[Iterable[Any]], Any]
    converts: Converts

    def bind(self, parameters: Parameters) -> Sequence[Any]:
        """The values in the order of the question marks."""
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


def as_sqlalchemy(error: sqlite3.Error, sql: str) -> sa.exc.DBAPIError:
    """What SQLAlchemy would have raised in place of the driver's error; parameters are nobody's business."""
    return cast("sa.exc.DBAPIError", sa.exc.DBAPIError.instance(sql, None, error, sqlite3.Error))


def _compile(statement: Any, names: tuple[str, ...], dialect: sa.Dialect) -> _Form:
    keys = list(names) if isinstance(statement, sa.Insert | sa.Update) else None
    compiled: Any = statement.compile(dialect=dialect, column_keys=keys)
    columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
    row: Any = NamedTuple("Row", [(column.name, Any) for column in columns])  # type: ignore[misc]
    order: list[str] = compiled.positiontup
    into = [_into(compiled.binds[name].type, dialect) for name in order]
    out_of = [_out_of(column.type, dialect) for column in columns]
    return _Form(
        sql=str(compiled),
        # The quicker of the two gives no tuple for a single name.
        pick=itemgetter(*order) if len(order) > 1 else lambda values: tuple(values[name] for name in order),
        constants={name: value for name, value in compiled.params.items() if name not in names},
        binds=_where_needed(into),
        row=partial(tuple.__new__, row),
        converts=_where_needed(out_of),
    )


def _into(kind: Any, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    return encode if isinstance(kind, sa.JSON) else kind.dialect_impl(dialect).bind_processor(dialect)


def _out_of(kind: Any, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    return _read_json if isinstance(kind, sa.JSON) else kind.dialect_impl(dialect).result_processor(dialect, None)


def _read_json(text: str | None) -> Any:
    return None if text is None else _decode(text)


def _where_needed(converts: Iterable[Callable[[Any], Any] | None]) -> Converts:
    return tuple((index, convert) for index, convert in enumerate(converts) if convert is not None)
