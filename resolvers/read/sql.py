"""SQL text under construction, with its values apart from it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models import database
from models.backends.pool import PlanMode
from resolvers.policy import Bind

Where = Callable[[Bind], str]

_RETURNING = (datetime, UUID)


class Statement:
    """The values of a statement under construction, and their placeholders in the database's own spelling."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._places: dict[datetime | UUID, str] = {}
        self.sign = "$" if database.dialect() == "postgres" else "?"

    def bind(self, value: object) -> str:
        # A value that returns has one placeholder, so that parts of one statement read alike to the planner.
        returns = isinstance(value, _RETURNING)
        if returns and (place := self._places.get(value)) is not None:
            return place
        self.values.append(value)
        place = f"{self.sign}{len(self.values)}"
        if returns:
            self._places[value] = place
        return place

    async def run(self, text: str, plans: PlanMode = PlanMode.GENERIC) -> Sequence[Iterable[Any]]:
        return await database.select(text, self.values, plans)


def among(bind: Bind, column: str, values: Iterable[object]) -> str:
    return f"{column} IN ({', '.join(map(bind, values)) or 'NULL'})"
