"""A query is a value: `Select` says which rows to read. Its SQL text is made once for each structure.

    Select(Order, Where("kind = {}", "OFFLINE"), order="placed_at DESC, id DESC", limit=21)

becomes for a buyer, on PostgreSQL,

    SELECT kind, ... FROM orders WHERE (kind = $1) AND (buyer_id = $2) IS TRUE ORDER BY placed_at DESC, id DESC LIMIT 21

Two selects that differ only in the values of their conditions have the same structure. The text is cached by that
structure, with the viewer's role and the layout of the rows (`resolvers.read.rows`). Values are bound per request.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from models.backends.pool import PlanMode
from models.enums import Role
from resolvers.context import ViewerAccount
from resolvers.read.rows import ListSlice, Row, RowLayout
from resolvers.read.scopes import SCOPES, Unscoped, Visibility
from resolvers.read.sql import Where, number_values, placeholder_sign

R = TypeVar("R", bound=Row)

MAX_TEXTS = 1000  # that are cached
MAX_CACHED_VALUES = 500  # in a text that is cached; clients decide how long lists are, so longer texts are not kept


@dataclass(frozen=True, slots=True)
class Select(Generic[R]):
    """The rows of one table for which `where` holds, as far as the viewer may see them.

    Several conditions are parts of one list, merged by `order` and cut at `limit`: each row fulfils one of them at
    most, and each part may walk an index of its own. With `per`, the limit is for each value of that column. `lock`
    keeps others from changing the rows until the transaction ends. `plan_mode` is CUSTOM where the database must plan
    the statement for its values.
    """

    row_type: type[R]
    where: Where | tuple[Where, ...]
    order: str = ""
    limit: int | None = None
    per: str | None = None
    lock: bool = False
    visibility: Visibility | Unscoped = Visibility.NAMED
    plan_mode: PlanMode = PlanMode.GENERIC

    def statement(
        self, viewer: ViewerAccount, layout: RowLayout, slices: Sequence[ListSlice] = ()
    ) -> tuple[str, list[object]]:
        """Returns the SQL text and its values. `slices` are what to read of each list in the layout."""
        parts = self.where if isinstance(self.where, tuple) else (self.where,)
        wheres = [*parts, *[part.where for part in slices]]
        values, numbers = number_values([*[value for where in wheres for value in where.values], viewer.id])
        structure = _Structure(
            layout,
            tuple([where.text for where in wheres]),
            len(parts) if isinstance(self.where, tuple) else None,
            tuple([(part.order, part.limit) for part in slices]),
            self.order,
            self.limit,
            self.per,
            self.lock,
            self.visibility,
            viewer.role,
            tuple(numbers),
        )
        write = cached_text if len(numbers) <= MAX_CACHED_VALUES else _text
        text, names_viewer = write(structure)
        if not names_viewer and numbers[-1] not in numbers[:-1]:
            values.pop()
        return text, values


class _Structure(NamedTuple):
    """Everything on which the text of a statement depends. The last of the placeholders' `numbers` is the viewer's."""

    layout: RowLayout
    wheres: tuple[str, ...]
    parts: int | None
    slices: tuple[tuple[str, int | None], ...]
    order: str
    limit: int | None
    per: str | None
    lock: bool
    visibility: Visibility | Unscoped
    role: Role
    numbers: tuple[int, ...]


def _text(structure: _Structure) -> tuple[str, bool]:
    """Returns the text, and whether it names the viewer."""
    return _SqlWriter(structure).text()


cached_text = lru_cache(MAX_TEXTS)(_text)


class _SqlWriter:
    """Writes the text of one structure."""

    def __init__(self, structure: _Structure) -> None:
        sign = placeholder_sign(structure.layout.dialect)
        *placeholders, self.viewer = [f"{sign}{number}" for number in structure.numbers]
        self.placeholders = iter(placeholders)
        self.structure, self.layout = structure, structure.layout
        self.names_viewer = False

    def text(self) -> tuple[str, bool]:
        order, wheres = self.structure.order, iter(self.structure.wheres)
        text = self.rows(wheres)
        if self.layout.to_one or self.layout.to_many:
            before, behind, aliases = self.layout.wrap
            holes = {table: _checked(self.scope(table)) for table in self.layout.scopes}
            if self.layout.names_viewer:
                holes["me"] = self.viewer
                self.names_viewer = True
            for alias, (many, rows), (list_order, limit) in zip(
                aliases, self.layout.lists, self.structure.slices, strict=True
            ):
                condition = self.fill(next(wheres))
                if not isinstance(many.visibility, Unscoped):
                    condition += f" AND {self.scope(rows.table)}"
                limited = "" if limit is None else f" LIMIT {limit}"
                holes[alias] = f"{condition} ORDER BY {list_order}{limited}"
                holes[f"{alias}_order"] = _of(alias, list_order)
            text = f"{before.format_map(holes)}{text}{behind.format_map(holes)}"
            if order:
                text += f" ORDER BY {_of('p', order)}"
        return text, self.names_viewer

    def rows(self, wheres: Iterator[str]) -> str:
        """Returns the text that reads the rows alone, without their relations."""
        _, _, parts, _, order, limit, per, lock, *_ = self.structure
        names = self.layout.names
        if parts is not None:
            merged = " UNION ALL ".join(
                f"SELECT * FROM (SELECT {names} FROM {self.table(where)} ORDER BY {order} LIMIT {limit}) AS part"
                for where in islice(wheres, parts)
            )
            text = f"SELECT {names} FROM ({merged}) AS parts"
        elif per and limit is not None:
            text = (
                f"SELECT {names} FROM (SELECT {names}, row_number() OVER (PARTITION BY {per} ORDER BY {order})"
                f" AS place FROM {self.table(next(wheres))}) AS numbered WHERE place <= {limit}"
            )
        else:
            text = f"SELECT {names} FROM {self.table(next(wheres))}"
        if order:
            text += f" ORDER BY {order}"
        if limit is not None and not per:
            text += f" LIMIT {limit}"
        if lock and self.layout.dialect == "postgres":
            text += " FOR NO KEY UPDATE"
        return text

    def table(self, where: str) -> str:
        """Returns the table with the condition on its rows, and the one about the viewer."""
        condition, visibility = self.fill(where), self.structure.visibility
        if not isinstance(visibility, Unscoped):
            scope = self.scope(self.layout.table)
            condition = f"({condition}) AND {scope if visibility is Visibility.LISTED else _checked(scope)}"
        return f"{self.layout.table} WHERE {condition}"

    def fill(self, where: str) -> str:
        return where.format(*islice(self.placeholders, where.count("{}")))

    def scope(self, table: str) -> str:
        condition = SCOPES[table][self.structure.role]
        if "{me}" not in condition:
            return condition
        self.names_viewer = True
        return condition.format(me=self.viewer)


def _checked(condition: str) -> str:
    """Returns the condition in a form that uses no index: the database checks it for each row that it has found."""
    return f"({condition}) IS TRUE"


def _of(alias: str, order: str) -> str:
    return ", ".join(f"{alias}.{part}" for part in order.split(", "))
