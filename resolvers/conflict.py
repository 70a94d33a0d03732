"""Conflicts of interest: an agent is a party to a case if the account of a party has the agent's subject.

For a page of cases this is one more join in its statement. It is there only for agents, and only if
the query selects what they can do with the cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models.enums import Role
from resolvers.account import Account
from resolvers.context import Context, ViewerAccount
from resolvers.read.relations import require_attribute, require_column
from resolvers.read.rows import Relation, RelationDeclaration, Row, ToOne
from resolvers.read.scopes import Unscoped

R = TypeVar("R", bound=Row)

PARTY = "party"  # the relation; it also has the names of the fields that depend on it
FIELDS = ("nextChangeAt", "nextChange", "viewerState")
SUPPLIER_OF_ITS_ORDER = "(SELECT supplier_id FROM orders WHERE orders.id = {row}.order_id)"
_OF_THE_SAME_SUBJECT = (
    "{{it}}.id = (SELECT other.id FROM accounts AS other WHERE other.id IN ({parties})"
    " AND other.subject = (SELECT mine.subject FROM accounts AS mine WHERE mine.id = {{{{me}}}}) LIMIT 1)"
)


_VIEWERS_OWN = Unscoped("The account has the viewer's own subject.")


def finds_conflicts(*parties: str) -> RelationDeclaration:
    """Declares the relation to the agent's account as a party, in the attribute `as_party`. `parties` are the accounts'
    ids: columns of the owner, or SUPPLIER_OF_ITS_ORDER."""
    columns = [party for party in parties if party != SUPPLIER_OF_ITS_ORDER]

    async def load(context: Context, rows: Sequence[Any], _field: SelectedField) -> None:
        other_parties = await other_accounts_of(context.viewer)
        if not other_parties:
            return
        suppliers = await _suppliers(rows) if SUPPLIER_OF_ITS_ORDER in parties else {}
        for row in rows:
            ids = [*(getattr(row, column) for column in columns), suppliers.get(row.order_id)]
            row.as_party = context.viewer if other_parties.intersection(ids) else None

    def resolve(owner: type[Row]) -> Relation:
        for column in columns:
            require_column(owner, PARTY, owner, column)
        require_attribute(owner, PARTY, owner, "as_party")
        ids = ", ".join(party if party == SUPPLIER_OF_ITS_ORDER else f"{{row}}.{party}" for party in parties)
        join = ToOne("as_party", Account, _OF_THE_SAME_SUBJECT.format(parties=ids), visibility=_VIEWERS_OWN)
        return Relation(load, join=join, group=PARTY, only_for=Role.AGENT)

    return RelationDeclaration((PARTY, *FIELDS), resolve)


async def other_accounts_of(viewer: ViewerAccount) -> set[UUID]:
    """Returns the ids of the other accounts with the viewer's subject."""
    accounts = models.Account.filter(subject=viewer.subject).exclude(id=viewer.id)
    return set(await accounts.values_list("id", flat=True))  # type: ignore[arg-type]


async def _suppliers(rows: Sequence[Any]) -> dict[UUID, UUID]:
    """Returns the suppliers of the orders that these rows name, by the order's id."""
    keys = [row.order_id for row in rows if row.order_id is not None]
    pairs: Any = await models.Order.filter(id__in=keys).values_list("id", "supplier_id")
    return dict(pairs)


async def with_conflict(context: Context, case: R | None) -> R | None:
    """Returns the case after loading what a decision about it needs."""
    if case is not None and context.viewer.role is Role.AGENT:
        relation: Any = type(case).relations_by_name[PARTY]
        await relation.load(context, [case], None)
    return case
