"""Accounts: signing in, and the accounts that rows name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models import database
from models.enums import PARTIES, Role
from models.keys import new_id
from models.text import one_line, order_search
from resolvers.context import Context
from resolvers.read.fetch import fetch
from resolvers.read.relations import require_attribute, require_column
from resolvers.read.rows import Relation, RelationDeclaration, Row, ToOne
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Statement, Where

MAX_NAME_LENGTH = 200  # characters
ORDERS_AT_ONCE = 500  # whose search text is updated in one transaction


@dataclass(slots=True, kw_only=True)
class Account(Row):
    MODEL = models.Account

    context: Context | None = field(default=None, repr=False)
    id: UUID
    subject: str
    role: Role
    name: str


_NAMED_BY_A_ROW = Unscoped("Viewers who may see a row may see the accounts that it names.")


def names_account(name: str, *, attribute: str | None = None, known_to: Role | None = None) -> RelationDeclaration:
    """Declares the relation `name`: the account in the owner's column `<attribute>_id`. Whoever may see a row may see
    the accounts that it names. For a viewer in the role `known_to` it is always the viewer."""
    attribute = attribute or name
    column = f"{attribute}_id"

    async def load(context: Context, rows: Sequence[Any], _field: SelectedField) -> None:
        keys = {key for row in rows if (key := getattr(row, column)) is not None}
        accounts: dict[UUID, Any] = {context.viewer.id: context.viewer}
        if missing := keys - accounts.keys():
            select = Select(Account, Where.among("id", missing), visibility=_NAMED_BY_A_ROW)
            missing_accounts = await fetch(context, select)
            accounts |= {account.id: account for account in missing_accounts}
        for row in rows:
            setattr(row, attribute, accounts.get(getattr(row, column)))

    def resolve(owner: type[Row]) -> Relation:
        require_column(owner, name, owner, column)
        require_attribute(owner, name, owner, attribute)
        join = ToOne(attribute, Account, f"{{it}}.id = {{row}}.{column}", visibility=_NAMED_BY_A_ROW, known_to=known_to)
        return Relation(load, join=join)

    return RelationDeclaration((name,), resolve)


async def sign_in(subject: str, role: Role, name: str | None) -> Account:
    """Returns the account of this subject in this role, and creates it at the first sign-in. A new name replaces the
    stored one. Without a name, a new account has its subject for a name."""
    name = one_line(name or "")[:MAX_NAME_LENGTH] or None
    for _ in range(2):
        account = await models.Account.get_or_none(using_db=database.read_connection(), subject=subject, role=role)
        if account is not None:
            if name is not None and account.name != name:
                account.name, account.is_renamed = name, role in PARTIES
                await account.save(update_fields=["name", "is_renamed"])
                await spread_name(account.id, at_most=ORDERS_AT_ONCE)
            return Account(id=account.id, subject=account.subject, role=account.role, name=account.name)
        await insert_missing([(subject, role, name or subject[:MAX_NAME_LENGTH])])
    raise RuntimeError("the account that was just created does not exist")


async def insert_missing(accounts: Sequence[tuple[str, Role, str]]) -> None:
    """Adds the accounts (subject, role, name) that do not exist yet. Another process may add them at the same time."""
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


async def lock(id: UUID) -> None:
    """Locks the account until the transaction ends. Rows that name it can still be written."""
    await models.Account.select_for_update(no_key=True).get(id=id)


async def hold_names(column: str, values: Iterable[object]) -> None:
    """Locks the names of accounts against changes until the transaction ends."""
    if database.dialect() == "postgres":
        statement = Statement()
        which = statement.condition(Where.among(column, values))
        await statement.run(f"SELECT 1 FROM accounts WHERE {which} ORDER BY id FOR SHARE")


async def spread_names() -> None:
    """Updates the search text of orders whose party has a new name, as far as sign_in has not done it."""
    for id in await models.Account.filter(is_renamed=True).values_list("id", flat=True):
        await spread_name(id)  # type: ignore[arg-type]


async def spread_name(id: UUID, at_most: int | None = None) -> None:
    """Updates the search text of the account's orders to its new name: of all orders, or of `at_most`."""
    party = await models.Account.get(id=id)
    orders = models.Order.filter(**{f"{party.role.lower()}_id": id}).order_by("id")
    if not party.is_renamed:
        return
    keys = await (orders if at_most is None else orders.limit(at_most + 1)).values_list("id", flat=True)
    for start in range(0, len(keys[:at_most]), ORDERS_AT_ONCE):
        part = keys[start : start + ORDERS_AT_ONCE][:at_most]
        await database.in_transaction(partial(_write_search, part))
    if at_most is None or len(keys) <= at_most:
        # Unless the account has been renamed again since.
        await models.Account.filter(id=id, name=party.name).update(is_renamed=False)


async def _write_search(keys: Sequence[Any]) -> None:
    parties = await models.Order.filter(id__in=keys).values_list("buyer_id", "supplier_id")
    accounts = {id for pair in parties for id in pair}
    await hold_names("id", accounts)
    names = {account.id: account.name for account in await models.Account.filter(id__in=accounts)}
    orders = await models.Order.filter(id__in=keys).order_by("number").select_for_update()
    changed: list[models.Order] = []
    for order in orders:
        buyer, supplier = names[order.buyer_id], names[order.supplier_id]  # type: ignore[attr-defined]
        search = order_search(order.number, buyer, supplier, (title for title, *_ in order.items))
        if search != order.search:
            order.search = search
            changed.append(order)
    if changed:
        await models.Order.bulk_update(changed, ["search"])
