"""Orders by kind, status and what can be done with them, as parts that an index has each in the list's order.

A list of several kinds or statuses is merged from its parts. Asked at once, as one condition with OR in it, the
database would walk all of a party's orders for a few.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain, combinations

from models.enums import Action, OrderKind, OrderStatus, Role
from resolvers.policy.expression import TRUE, Bind, Equals, Expression, IsSet
from resolvers.policy.order import ORDER_STATUSES
from resolvers.policy.rule import Subject
from resolvers.policy.rules import TABLE
from resolvers.policy.status import status_is, status_rank_sql


@dataclass(frozen=True, slots=True)
class IndexPartition:
    """Orders of one kind, and of one status where `status` says so, for which `tests` hold."""

    kind: OrderKind
    status: OrderStatus | None = None
    tests: tuple[Expression, ...] = ()

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        said = [Equals("kind", self.kind).sql(bind, role, now)]
        if self.status is not None:
            said.append(f"{status_rank_sql(ORDER_STATUSES)} = {_PLACES[self.status]}")
        return " AND ".join([*said, *(test.sql(bind, role, now) for test in self.tests)])


def partitions(
    role: Role, kinds: Iterable[OrderKind] | None, statuses: Iterable[OrderStatus] | None, action: Action | None
) -> Sequence[IndexPartition] | None:
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
) -> Sequence[IndexPartition] | None:
    if action is None and kinds in (None, frozenset(OrderKind)) and statuses in (None, _ALL):
        return None
    return [
        part
        for kind in OrderKind
        if kinds is None or kind in kinds
        for part in _of_kind(role, kind, _ALL if statuses is None else statuses, action)
    ]


def _of_kind(
    role: Role, kind: OrderKind, statuses: frozenset[OrderStatus], action: Action | None
) -> list[IndexPartition]:
    if action is None:
        return [IndexPartition(kind, status) for status in _PLACES if status in statuses]
    rule = TABLE.get((Subject.ORDER, action, kind))
    if rule is None or role not in rule.roles:
        return []
    is_open = rule.is_open
    beyond = set(is_open.facts()) - _PROGRESS
    if not _possible(is_open, ()):
        # Open only to orders of which more is known, few of any status: an index has them for themselves.
        tests = _left(is_open, {}, _possible(is_open, beyond))
        return [
            IndexPartition(kind, None, tests if statuses == _ALL else (*tests, status_is(ORDER_STATUSES, statuses)))
        ]
    return [
        IndexPartition(kind, status, _left(is_open, _agreed(_possible(TRUE, (), status), _PROGRESS), rows))
        for status in _PLACES
        if status in statuses and (rows := _possible(is_open, beyond, status))
    ]


# Which facts are known of an order, as sets of them: that there are few is what makes all of this short.
_Known = frozenset[str]
_PROGRESS = frozenset(fact for _, applies in ORDER_STATUSES for fact in applies.facts())


def _possible(test: Expression, beyond: Iterable[str], status: OrderStatus | None = None) -> list[_Known]:
    """What may be known of the orders of that status for which the test may hold, if nothing else is than what makes a
    status and what is `beyond` that."""
    facts = sorted(_PROGRESS.union(beyond))
    subsets = map(frozenset, chain.from_iterable(combinations(facts, size) for size in range(len(facts) + 1)))
    return [known for known in subsets if test.satisfiable(True, known) and status in (None, _status(known))]


def _status(known: _Known) -> OrderStatus:
    return next(status for status, applies in ORDER_STATUSES if applies.satisfiable(True, known))


def _agreed(possible: Sequence[_Known], facts: Iterable[str]) -> dict[str, bool]:
    """Of the facts those that all of them know, and those that none does."""
    return {fact: fact in possible[0] for fact in sorted(facts) if len({fact in known for known in possible}) == 1}


def _left(test: Expression, said: dict[str, bool], possible: Sequence[_Known]) -> tuple[Expression, ...]:
    """The test, where `said` is said already: first what is or is not known of all orders for which it holds, in the
    words of an index, and then what else it asks of them."""
    agreed = _agreed(possible, _PROGRESS.union(test.facts()))
    new = (IsSet(fact) if known else ~IsSet(fact) for fact, known in agreed.items() if fact not in said)
    rest = test.simplify(agreed)
    return (*new, *([] if rest is TRUE else [rest]))
