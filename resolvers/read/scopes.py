"""Visibility: which rows a viewer may see, as one SQL condition for each table and role.

    Select(Order, Where("number = {}", number))     a buyer reads WHERE (number = $1) AND (buyer_id = $2) IS TRUE

Every statement on the read path has the condition of its table, unless it says `Unscoped` and why. A table that is not
in SCOPES cannot be read.
"""

from dataclasses import dataclass
from enum import Enum, auto

from models.enums import Role
from resolvers.context import ViewerAccount
from resolvers.read.sql import Where

_ALL = "TRUE"
_NONE = "FALSE"

_ORDERS = {
    Role.BUYER: "buyer_id = {me}",
    Role.SUPPLIER: "supplier_id = {me}",
    Role.AGENT: _ALL,
    Role.SERVICE: "recorded_by_id = {me}",
}


def _of(table: str, conditions: dict[Role, str], column: str, role: Role) -> str:
    """Returns the condition that the viewer may see the row that `column` names.

    It is checked for that row alone. Otherwise PostgreSQL might read a viewer's 100,000 orders to find a few events.
    OFFSET 0 prevents a join with all of them, IS TRUE an index scan over them.
    """
    condition = conditions[role]
    if condition in (_ALL, _NONE):
        return condition
    one = f"SELECT 1 FROM {table} AS their_{table} WHERE their_{table}.id = {column} AND ({condition}) IS TRUE"
    return f"EXISTS ({one} LIMIT 1 OFFSET 0)"


_OF_THEIR_ORDERS = {role: _of("orders", _ORDERS, "order_id", role) for role in Role}
_COMPLAINTS = {
    Role.BUYER: "complainant_id = {me}",
    Role.SUPPLIER: _NONE,
    Role.AGENT: _ALL,
    Role.SERVICE: _NONE,
}
_NO_COMPLAINT = "(case_kind IS NULL OR case_kind <> 'COMPLAINT')"

# Tables that need no condition of their own when they are read through an order, and why.
WITH_ITS_ORDER = {
    "feedback": "Viewers who may see an order may see its feedback.",
    "cancellations": "Viewers who may see an order may see its cancellations.",
    "disputes": "Viewers who may see an order may see its disputes.",
}

_DISPUTES = _OF_THEIR_ORDERS | {
    Role.BUYER: "buyer_id = {me}",
    Role.SUPPLIER: "supplier_id = {me}",
}  # by their own index


def _in_cases(role: Role) -> str:
    disputes, complaints = (
        _of(table, conditions, "case_id", role)
        for table, conditions in (("disputes", _DISPUTES), ("complaints", _COMPLAINTS))
    )
    return f"({disputes} OR {complaints})"


def _accounts(role: Role) -> str:
    """Returns the condition for accounts that share an order with the viewer, or acted in one of the viewer's cases.
    The accounts that a visible row names are read through that row."""
    if _ORDERS[role] == _ALL:
        return _ALL
    parties = f"SELECT 1 FROM orders WHERE {_ORDERS[role]} AND accounts.id IN (buyer_id, supplier_id)"
    return f"(id = {{me}} OR EXISTS ({parties}) OR id IN (SELECT by_id FROM events WHERE {_in_cases(role)}))"


def sees_none(table: str, role: Role) -> bool:
    """Returns whether no viewer in this role may see any row of the table."""
    return SCOPES[table][role] == _NONE


SCOPES: dict[str, dict[Role, str]] = {
    "orders": _ORDERS,
    "feedback": _OF_THEIR_ORDERS,
    "cancellations": _OF_THEIR_ORDERS,
    "disputes": _DISPUTES,
    "proposals": {role: _of("disputes", _DISPUTES, "dispute_id", role) for role in Role},
    "messages": {role: _in_cases(role) for role in Role} | {Role.SERVICE: _NONE},
    "attachments": {role: f"({_in_cases(role)} AND case_id IS NOT NULL)" for role in Role} | {Role.SERVICE: _NONE},
    "reopenings": {role: _of("disputes", _DISPUTES, "dispute_id", role) for role in Role},
    "refunds": _ORDERS,  # each has the parties and the order system of its order
    "complaints": _COMPLAINTS,
    "events": {
        Role.BUYER: f"({_OF_THEIR_ORDERS[Role.BUYER]} OR {_of('complaints', _COMPLAINTS, 'case_id', Role.BUYER)})",
        Role.SUPPLIER: f"{_OF_THEIR_ORDERS[Role.SUPPLIER]} AND {_NO_COMPLAINT}",
        Role.AGENT: _ALL,
        Role.SERVICE: f"{_OF_THEIR_ORDERS[Role.SERVICE]} AND {_NO_COMPLAINT}",
    },
    "accounts": {role: _accounts(role) for role in Role},
}


class Visibility(Enum):
    """How the condition about the viewer is added to a statement."""

    __hash__ = object.__hash__  # the same, but in C; members are equal to themselves only

    NAMED = auto()  # the statement names its rows; no index is searched for all that the viewer may see
    LISTED = auto()  # the rows are all that the viewer may see; an index may find them by that condition


@dataclass(frozen=True, slots=True)
class Unscoped:
    """No condition about the viewer is added. The reason says why the viewer may see these rows all the same."""

    reason: str


def visible_rows(table: str, viewer: ViewerAccount) -> Where:
    """Returns the condition that holds for the table's rows which the viewer may see."""
    condition = SCOPES[table][viewer.role]
    return Where(condition.replace("{me}", "{}"), *[viewer.id] * condition.count("{me}"))
