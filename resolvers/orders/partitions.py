"""Filtered lists of orders, split into partitions that an index has in the list's order.

A list of several kinds or statuses is merged from its partitions: `UNION ALL` of as many index walks, a page of each.
One condition with OR in it would make the database read all orders of a party to find a few.

A buyer's filter {can: LEAVE_FEEDBACK} has two partitions, one for each kind of order with such a rule:

    (kind IS NOT NULL AND kind = 'TRADE_ASSURANCE') AND <status> = 1 AND NOT (feedback_left_at IS NOT NULL)
      AND (completed_at < $2 AND NOT (completed_at < $3))

where `<status>` is the CASE expression that the index `orders_to_rate` has, and 1 is COMPLETED. Nobody lists the
statuses of an action: they follow from the rule's own condition. A status is a question about which facts of an order
are set. There are few such facts, so all combinations are tried: for which of them can the condition hold at all?

A rule may offer alternatives, some of which need a fact that few orders have: "it has shipped, or it is late, or the
supplier declined to cancel it". Each of these is a partition with an index of its own, without the orders of those
before it:

    <status> = 2                                           shipped
    ship_by IS NOT NULL AND paid_at IS NOT NULL AND …      late and not shipped
    cancellation_declined_at IS NOT NULL AND …             declined, not late and not shipped
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain, combinations, product

from models.enums import Action, OrderKind, OrderStatus, Role
from resolvers.policy.expression import TRUE, Bind, BooleanExpression, Equals, Expression, IsSet, all_of, any_of
from resolvers.policy.order import ORDER_STATUSES
from resolvers.policy.rule import Subject
from resolvers.policy.rules import TABLE
from resolvers.policy.status import status_is, status_rank_sql

FactsSet = frozenset[str]  # the facts of an order that are set; all others are not

_RANKS = {status: rank for rank, (status, _) in enumerate(ORDER_STATUSES)}
_ALL_STATUSES = frozenset(_RANKS)
_STATUS_FACTS = frozenset(fact for _, applies in ORDER_STATUSES for fact in applies.facts())


@dataclass(frozen=True, slots=True)
class IndexPartition:
    """Orders of one kind and, unless `status` is None, of one status, for which all `tests` hold."""

    kind: OrderKind
    status: OrderStatus | None = None
    tests: tuple[Expression, ...] = ()

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        conditions = [Equals("kind", self.kind).sql(bind, role, now)]
        if self.status is not None:
            conditions.append(f"{status_rank_sql(ORDER_STATUSES)} = {_RANKS[self.status]}")
        conditions += [test.sql(bind, role, now) for test in self.tests]
        # Keeps the databases from using an index by this fact: they would find all feedback of a window, and sort it.
        return " AND ".join(conditions).replace("feedback_left_at < ", "coalesce(feedback_left_at, placed_at) < ")


def partitions(
    role: Role, kinds: Iterable[OrderKind] | None, statuses: Iterable[OrderStatus] | None, action: Action | None
) -> Sequence[IndexPartition] | None:
    """Returns partitions that share no order, and together are the orders of these kinds and statuses for which the
    policy allows `action` in this role. Returns None without a filter: the whole list."""
    return _partitions(
        role,
        None if kinds is None else frozenset(kinds),
        None if statuses is None else frozenset(statuses),
        action,
    )


@cache
def _partitions(
    role: Role, kinds: frozenset[OrderKind] | None, statuses: frozenset[OrderStatus] | None, action: Action | None
) -> Sequence[IndexPartition] | None:
    if action is None and kinds in (None, frozenset(OrderKind)) and statuses in (None, _ALL_STATUSES):
        return None
    return [
        partition
        for kind in OrderKind
        if kinds is None or kind in kinds
        for partition in _partitions_of_kind(role, kind, _ALL_STATUSES if statuses is None else statuses, action)
    ]


def _partitions_of_kind(
    role: Role, kind: OrderKind, statuses: frozenset[OrderStatus], action: Action | None
) -> list[IndexPartition]:
    if action is None:
        return [IndexPartition(kind, status) for status in _RANKS if status in statuses]
    rule = TABLE.get((Subject.ORDER, action, kind))
    if rule is None or role not in rule.roles:
        return []
    return [
        partition
        for condition in _alternatives(rule.is_open)
        for partition in _partitions_of_condition(kind, statuses, condition)
    ]


def _alternatives(condition: Expression) -> list[Expression]:
    """Splits a condition at an OR, some of whose operands need a fact that no status has. An OR that usual orders
    fulfil in every status is not split. Returns conditions that exclude each other."""
    conjuncts: Sequence[Expression] = [condition]
    if isinstance(condition, BooleanExpression) and condition.operator == "AND":
        conjuncts = condition.operands
    for place, conjunct in enumerate(conjuncts):
        choices = list(_choices(conjunct))
        rare = [choice for choice in choices if not _possible(choice, ())]
        if (
            len(choices) == 1
            or not rare
            or all(conjunct.satisfiable(True, facts_set) for facts_set in _subsets(_STATUS_FACTS))
        ):
            continue
        common = any_of(choice for choice in choices if choice not in rare)
        others = [*conjuncts[:place], *conjuncts[place + 1 :]]
        groups = [common, *rare] if len(rare) < len(choices) else rare
        return [all_of([*others, group, *(~earlier for earlier in groups[:n])]) for n, group in enumerate(groups)]
    return [condition]


def _choices(expression: Expression) -> Iterator[Expression]:
    """Yields expressions of which one must hold, without an OR at their top."""
    if not isinstance(expression, BooleanExpression):
        yield expression
    elif expression.operator == "OR":
        for operand in expression.operands:
            yield from _choices(operand)
    else:
        for operands in product(*map(_choices, expression.operands)):
            yield all_of(operands)


def _partitions_of_condition(
    kind: OrderKind, statuses: frozenset[OrderStatus], condition: Expression
) -> list[IndexPartition]:
    other_facts = set(condition.facts()) - _STATUS_FACTS
    if not _possible(condition, ()):
        # It needs a fact that no status has. Few orders of any status have it, so a partial index has them all.
        tests = _remaining(condition, {}, _possible(condition, other_facts))
        if statuses != _ALL_STATUSES:
            tests = (*tests, status_is(ORDER_STATUSES, statuses))
        return [IndexPartition(kind, None, tests)]
    return [
        IndexPartition(
            kind, status, _remaining(condition, _decided(_possible(TRUE, (), status), _STATUS_FACTS), possible)
        )
        for status in _RANKS
        if status in statuses and (possible := _possible(condition, other_facts, status))
    ]


def _possible(condition: Expression, other_facts: Iterable[str], status: OrderStatus | None = None) -> list[FactsSet]:
    """Returns the combinations of the status facts and `other_facts` with which an order may fulfil the condition, and
    has this status."""
    return [
        facts_set
        for facts_set in _subsets(_STATUS_FACTS.union(other_facts))
        if condition.satisfiable(True, facts_set) and status in (None, _status(facts_set))
    ]


def _subsets(facts: Iterable[str]) -> Iterator[FactsSet]:
    names = sorted(facts)
    return map(frozenset, chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def _status(facts_set: FactsSet) -> OrderStatus:
    return next(status for status, applies in ORDER_STATUSES if applies.satisfiable(True, facts_set))


def _decided(possible: Sequence[FactsSet], facts: Iterable[str]) -> dict[str, bool]:
    """Returns the facts that are set in every one of these combinations (True), or in none (False)."""
    decided: dict[str, bool] = {}
    for fact in sorted(facts):
        is_set = {fact in facts_set for facts_set in possible}
        if len(is_set) == 1:
            decided[fact] = is_set.pop()
    return decided


def _remaining(condition: Expression, implied: dict[str, bool], possible: Sequence[FactsSet]) -> tuple[Expression, ...]:
    """Returns what an order must fulfil besides the facts `implied` by its partition.

    First come the facts that all orders which fulfil the condition have or lack, written like the partial index. The
    last is the rest of the condition.
    """
    decided = _decided(possible, _STATUS_FACTS.union(condition.facts()))
    tests = (IsSet(fact) if is_set else ~IsSet(fact) for fact, is_set in decided.items() if fact not in implied)
    simplified = condition.simplify(decided)
    return (*tests, *([] if simplified is TRUE else [simplified]))
