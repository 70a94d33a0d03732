"""Who sees which rows: the one place. A table without a line here cannot be read at all."""

from models.enums import Role

_ALL = "TRUE"
_NONE = "FALSE"

_ORDERS = {
    Role.BUYER: "buyer_id = {me}",
    Role.SUPPLIER: "supplier_id = {me}",
    Role.AGENT: _ALL,
    Role.SERVICE: "recorded_by_id = {me}",
}
_OF_THEIR_ORDERS = {
    role: _ALL if condition == _ALL else f"order_id IN (SELECT id FROM orders WHERE {condition})"
    for role, condition in _ORDERS.items()
}
_COMPLAINTS = {
    Role.BUYER: "complainant_id = {me}",
    Role.SUPPLIER: _NONE,
    Role.AGENT: _ALL,
    Role.SERVICE: _NONE,
}
_NO_COMPLAINT = "(case_kind IS NULL OR case_kind <> 'COMPLAINT')"

# Whoever sees an order sees these of it: read through visible orders, they need no condition of their own.
WITH_THEIR_ORDER = frozenset({"feedback", "cancellations", "disputes"})

SCOPES: dict[str, dict[Role, str]] = {
    "orders": _ORDERS,
    "feedback": _OF_THEIR_ORDERS,
    "cancellations": _OF_THEIR_ORDERS,
    "disputes": _OF_THEIR_ORDERS
    | {Role.BUYER: "buyer_id = {me}", Role.SUPPLIER: "supplier_id = {me}"},  # by their own index
    "complaints": _COMPLAINTS,
    "events": {
        Role.BUYER: f"({_OF_THEIR_ORDERS[Role.BUYER]}"
        f" OR case_id IN (SELECT id FROM complaints WHERE {_COMPLAINTS[Role.BUYER]}))",
        Role.SUPPLIER: f"{_OF_THEIR_ORDERS[Role.SUPPLIER]} AND {_NO_COMPLAINT}",
        Role.AGENT: _ALL,
        Role.SERVICE: f"{_OF_THEIR_ORDERS[Role.SERVICE]} AND {_NO_COMPLAINT}",
    },
    # Those who share an order. Whoever a visible row names is read by that row (account.named_by).
    "accounts": {
        role: _ALL
        if condition == _ALL
        else "(id = {me} OR EXISTS"
        f" (SELECT 1 FROM orders WHERE {condition} AND accounts.id IN (buyer_id, supplier_id)))"
        for role, condition in _ORDERS.items()
    },
}
