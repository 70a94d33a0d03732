"""The one function that says what may be done, and what else follows from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import ClassVar, Protocol
from uuid import UUID

from models.enums import Action, OrderKind, Reason, Role
from resolvers.policy.conditions import MOMENT, Equals, Expression, Test, any_of, compiled, first_match
from resolvers.policy.messages import humanize, message_for
from resolvers.policy.rule import Rule, Subject
from resolvers.policy.rules import TABLE


class Viewer(Protocol):
    @property
    def id(self) -> UUID: ...

    @property
    def role(self) -> Role: ...


class Facts(Protocol):
    subject: ClassVar[Subject]

    def party(self, role: Role) -> UUID | None:
        """Whose it is in that role; null where the role has no party of its own."""
        ...


@dataclass(slots=True)
class Decision:
    """The policy's answer for one action, one viewer and one instant; `message` and `reason` are null when allowed."""

    action: Action
    allowed: bool
    label: str
    reason: Reason | None = None
    message: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def decide(action: Action, facts: Facts | None, viewer: Viewer, now: datetime, *, conflict: bool = False) -> Decision:
    """Whether `viewer` may do `action` at `now`, or the first reason why not.

    `facts` is None for what does not exist and for what is not the viewer's, alike. `conflict` says that the viewer is
    an agent who is a party as well, under another account.
    """
    if facts is None or not _is_theirs(facts, viewer):
        return _refused(action, Reason.NOT_FOUND)
    rule = _rule(action, facts)
    return _refused(action, Reason.NOT_OFFERED) if rule is None else _apply(rule, facts, viewer, now, conflict)


def _order_kind(facts: Facts) -> OrderKind | None:
    """Only the rules of orders ask for the kind."""
    return getattr(facts, "kind") if facts.subject is Subject.ORDER else None  # noqa: B009


def _rule(action: Action, facts: Facts) -> Rule | None:
    return TABLE.get((facts.subject, action, _order_kind(facts)))


def _is_theirs(facts: Facts, viewer: Viewer) -> bool:
    party = facts.party(viewer.role)
    return party is None or party == viewer.id


def _refused(action: Action, reason: Reason) -> Decision:
    return Decision(action, allowed=False, label=humanize(action), reason=reason, message=message_for(action, reason))


def _allowed(rule: Rule, facts: Facts) -> Decision:
    opens_at, closes_at = rule.window.bounds(facts) if rule.window else (None, None)
    return Decision(rule.action, True, rule.label, None, None, opens_at, closes_at)


def _apply(rule: Rule, facts: Facts, viewer: Viewer, now: datetime, conflict: bool) -> Decision:
    opens_at, closes_at = rule.window.bounds(facts) if rule.window else (None, None)
    reason = _first_reason(rule, facts, viewer.role, now, opens_at, closes_at, conflict)
    message = message_for(rule.action, reason, opens_at, closes_at) if reason else None
    return Decision(rule.action, reason is None, rule.label, reason, message, opens_at, closes_at)


def _first_reason(
    rule: Rule,
    facts: Facts,
    role: Role,
    now: datetime,
    opens_at: datetime | None,
    closes_at: datetime | None,
    conflict: bool,
) -> Reason | None:
    if role not in rule.roles:
        return Reason.NOT_YOUR_ROLE
    if conflict:
        return Reason.CONFLICT_OF_INTEREST
    if (unmet := rule.unmet(facts, role, now)) is not None:
        return unmet
    if opens_at is not None and now < opens_at:
        return Reason.WINDOW_NOT_OPEN
    if closes_at is not None and now > closes_at:
        return Reason.WINDOW_CLOSED
    return None


class RulesForViewer:
    """What the table offers somebody in a role about a subject of a kind."""

    def __init__(self, subject: Subject, kind: OrderKind | None, role: Role) -> None:
        rules = [rule for key, rule in TABLE.items() if key[0] is subject and key[2] is kind and role in rule.roles]
        self.rules = [(rule, first_match([(rule.is_open, True)], otherwise=False)) for rule in rules]
        self.open = {rule.action: is_open for rule, is_open in self.rules}
        self.timed = _timed((rule.is_open, self.open[rule.action]) for rule in rules)


def _timed(statements: Iterable[tuple[Expression, Test]]) -> list[tuple[str, timedelta, Test]]:
    """What time alone can change: from which fact, when, and of which statement."""
    return [
        (fact, after + MOMENT, test)
        for statement, test in statements
        for fact, after in set(statement.time_boundaries())
    ]


@cache
def rules_for(role: Role, subject: Subject, kind: OrderKind | None) -> RulesForViewer:
    """Of the table as it is when this is first asked."""
    return RulesForViewer(subject, kind, role)


def is_allowed(action: Action, facts: Facts, viewer: Viewer, now: datetime) -> bool:
    """As `decide` says, without the reason why not."""
    is_open = rules_for(viewer.role, facts.subject, _order_kind(facts)).open.get(action)
    return is_open is not None and _is_theirs(facts, viewer) and is_open(facts, viewer.role, now)


def available_actions(facts: Facts, viewer: Viewer, now: datetime, *, conflict: bool = False) -> list[Decision]:
    """What is allowed, in the table's order."""
    if conflict or not _is_theirs(facts, viewer):
        return []
    offer = rules_for(viewer.role, facts.subject, _order_kind(facts))
    return [_allowed(rule, facts) for rule, is_open in offer.rules if is_open(facts, viewer.role, now)]


def next_change_at(
    facts: Facts, viewer: Viewer, now: datetime, also: Iterable[Expression] = (), *, conflict: bool = False
) -> datetime | None:
    """The first instant after `now` at which `available_actions`, or one of `also`, differs if nothing but time
    happens."""
    if not _is_theirs(facts, viewer):
        return None
    offer, role = rules_for(viewer.role, facts.subject, _order_kind(facts)), viewer.role
    timed = [] if conflict else offer.timed
    if also:
        timed = [*timed, *_timed((each, compiled(each)) for each in also)]
    # Between the ends of its own limits nothing changes for a statement, so that it is asked at those alone.
    edges: list[tuple[datetime, Test]] = []
    for fact, after, test in timed:
        start: datetime | None = getattr(facts, fact)
        if start is not None and (edge := start + after) > now:
            edges.append((edge, test))
    if len(edges) > 1:
        edges.sort(key=itemgetter(0))
    return next((edge for edge, test in edges if test(facts, role, edge) != test(facts, role, now)), None)


def deadline(action: Action, facts: Facts, now: datetime) -> datetime | None:
    """The last instant of the action's window where all but the clock allows it, whoever asks; else null."""
    rule = _rule(action, facts)
    if rule is None or rule.window is None or rule.unmet(facts, rule.roles[0], now) is not None:
        return None
    return rule.window.bounds(facts)[1]


def condition_for(viewer: Viewer, action: Action, subject: Subject) -> Expression:
    """That `action` is open to `viewer`, for asking the database among the rows that are theirs."""
    return any_of(
        Equals("kind", rule.kind) & rule.is_open if rule.kind else rule.is_open
        for rule in TABLE.values()
        if rule.action is action and rule.subject is subject and viewer.role in rule.roles
    )
