"""Orders by kind, status and what can be done with them, as parts that an index has each in the list's order.

A list of several kinds or statuses is merged from its parts. Asked at once, as one condition with OR in it, the
database would walk all of a party's orders for a few.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations

from models.enums import Action, OrderKind, OrderStatus, Role
from resolvers.policy.expression import Asked, Bind, Expression, Is
from resolvers.policy.order import ORDER_STATUSES
from resolvers.policy.rule import Subject
from resolvers.policy.status import place_in, status_is
from resolvers.policy.table import TABLE


@dataclass(frozen=True, slots=True)
class Part:
    """Orders of one kind, and of one status where `status` says so, for which `test` holds."""

    kind: OrderKind
    status: OrderStatus | None
    test: Expression | None

    def sql(self, bind: Bind, asked: Asked) -> str:
        said = [Is("kind", self.kind).sql(bind, asked)]
        if self.status is not None:
            said.append(f"{place_in(ORDER_STATUSES)} = {_PLACES[self.status]}")
        if self.test is not None:
            said.append(self.test.sql(bind, asked))
        return " AND ".join(said)


def parts(
    role: Role, kinds: Iterable[OrderKind] | None, statuses: Iterable[OrderStatus] | None, action: Action | None
) -> Sequence[Part] | None:
    """The parts of which no two share an order, and which together are the orders of those kinds and statuses on which
    `action` is open to somebody in that role. None where nothing is asked: the whole list."""
    return _parts(
        role,
        None if kinds is None else frozenset(kinds),
        None if statuses is None else frozenset(statuses),
        action,
    )


_PLACES = {status: place for place, (status, _) in enumerate(ORDER_STATUSES)}
_ALL = frozenset(_PLACES)


@cache
def _parts(
    role: Role, kinds: frozenset[OrderKind] | None, statuses: frozenset[OrderStatus] | None, action: Action | None
) -> Sequence[Part] | None:
    if action is None and kinds in (None, frozenset(OrderKind)) and statuses in (None, _ALL):
        return None
    return [
        part
        for kind in OrderKind
        if kinds is None or kind in kinds
        for part in _of_kind(role, kind, _ALL if statuses is None else statuses, action)
    ]


def _of_kind(role: Role, kind: OrderKind, statuses: frozenset[OrderStatus], action: Action | None) -> list[Part]:
    if action is None:
        return [Part(kind, status, None) for status in _PLACES if status in statuses]
    rule = TABLE.get((Subject.ORDER, action, kind))
    if rule is None or role not in rule.roles:
        return []
    possible = [status for status in _PLACES if status in statuses & _open_in(rule.is_open, also_else=True)]
    if not possible:
        return []
    if not _open_in(rule.is_open, also_else=False):
        # Open only to few orders of any status, those of which more is known: an index has them for themselves.
        test = rule.is_open if statuses == _ALL else rule.is_open & status_is(ORDER_STATUSES, possible)
        return [Part(kind, None, test)]
    return [Part(kind, status, status_is(ORDER_STATUSES, [status]) & rule.is_open) for status in possible]


def _open_in(is_open: Expression, *, also_else: bool) -> frozenset[OrderStatus]:
    """The statuses of the orders for which it may hold: of all, or only of those of which nothing is known but what
    makes the status."""
    progress = {fact for _, applies in ORDER_STATUSES for fact in applies.facts()}
    facts = sorted(progress | set(is_open.facts())) if also_else else sorted(progress)
    subsets = chain.from_iterable(combinations(facts, size) for size in range(len(facts) + 1))
    return frozenset(
        next(status for status, applies in ORDER_STATUSES if applies.may_be(True, known))
        for known in subsets
        if is_open.may_be(True, known)
    )
