"""Accounts, and reading them by the rows that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import models
from models import database
from models.enums import Role
from models.keys import new_id
from resolvers import ids, reading
from resolvers.row import Join, Relation, Row
from resolvers.statement import Statement, among

if TYPE_CHECKING:
    from resolvers.context import Context
    from resolvers.selection import Asked


@dataclass(slots=True, kw_only=True)
class Account(Row):
    MODEL = models.Account

    context: Context | None = field(default=None, repr=False)
    id: UUID
    subject: str
    role: Role
    name: str

    @property
    def global_id(self) -> str:
        return ids.encode("Account", self.id)


def named_by(owner: type[Row], relation: str, attribute: str, known_to: Role | None = None) -> None:
    """Declares the relation `relation`: the account in `owner`'s column `<attribute>_id`. Whoever sees the row may
    see whom it names. For a viewer in the role `known_to` it is always the viewer."""

    async def load(context: Context, rows: Sequence[Any], _asked: Asked) -> None:
        keys = {key for row in rows if (key := getattr(row, f"{attribute}_id")) is not None}
        known = {context.viewer.id: context.viewer}
        if missing := keys - known.keys():
            found = await reading.fetch(context, Account, lambda bind: among(bind, "id", missing), scoped=False)
            known |= {account.id: account for account in found}
        for row in rows:
            setattr(row, attribute, known.get(getattr(row, f"{attribute}_id")))

    on = f"{{it}}.id = {{row}}.{attribute}_id"
    join = Join(attribute, Account, "Account", on, scoped=False, known_to=known_to)
    owner.relations[relation] = Relation(load, join=join)


async def sign_in(subject: str, role: Role, name: str | None) -> Account:
    """The account of this subject in this role, made at first sight. A name that differs from the stored one replaces
    it; the subject stands in for a name where there is none yet."""
    for _ in range(2):
        found = await models.Account.get_or_none(using_db=database.reader(), subject=subject, role=role)
        if found is not None:
            if name is not None and found.name != name:
                found.name = name
                await found.save(update_fields=["name"])
            return Account(id=found.id, subject=found.subject, role=found.role, name=found.name)
        await insert([(subject, role, name or subject[:200])])
    raise RuntimeError("an account that was just made cannot be found")


async def insert(accounts: Sequence[tuple[str, Role, str]]) -> None:
    """Adds the accounts (subject, role, name) that are not there yet; a twin doing the same is no error."""
    for start in range(0, len(accounts), 200):
        statement = Statement()
        rows = [
            f"({', '.join(map(statement.bind, (new_id(), subject, role.value, name)))})"
            for subject, role, name in accounts[start : start + 200]
        ]
        await database.change(
            f"INSERT INTO accounts (id, subject, role, name) VALUES {', '.join(rows)}"
            " ON CONFLICT (subject, role) DO NOTHING",
            statement.values,
        )
