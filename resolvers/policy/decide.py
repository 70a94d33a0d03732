"""`decide`: whether a viewer may do an action at an instant, and if not, why.

The other functions read the same table for a whole page: what is allowed, until when, and as a condition for SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any, ClassVar, Protocol
from uuid import UUID

from models.enums import Action, OrderKind, Reason, Role
from resolvers.language import gettext
from resolvers.policy.expression import MOMENT, Equals, Evaluator, Expression, any_of, compile_predicate
from resolvers.policy.messages import humanize, message_for
from resolvers.policy.rule import IMPARTIAL, Rule, Subject
from resolvers.policy.rules import TABLE


class ViewerIdentity(Protocol):
    @property
    def id(self) -> UUID: ...

    @property
    def role(self) -> Role: ...


class Facts(Protocol):
    subject: ClassVar[Subject]

    def party(self, role: Role) -> UUID | None:
        """Returns the account that is the party in this role, or None for a role without its own party."""
        ...


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a rule, or its window. `reason` is why the action is refused where it does not hold; `since` is
    the instant of the fact that decides it, where one does."""

    text: str
    holds: bool
    reason: Reason | None
    since: datetime | None


@dataclass(slots=True)
class Decision:
    """The policy's answer for one action, one viewer and one instant; `message` and `reason` are null when allowed.
    `basis` is what it was decided on: the rule, the facts, the role, the instant, and whether there is a conflict of
    interest."""

    action: Action
    allowed: bool
    label: str
    reason: Reason | None = None
    message: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    basis: tuple[Rule, Any, Role, datetime, bool] | None = field(default=None, repr=False, compare=False)

    @property
    def checks(self) -> list[Check]:
        """Every condition of the rule, then its window, in the order in which they are asked. Empty where no rule
        applies to the viewer's role."""
        return [] if self.basis is None else _checks(*self.basis)


def decide(
    action: Action, facts: Facts | None, viewer: ViewerIdentity, now: datetime, *, conflict: bool = False
) -> Decision:
    """Decides whether `viewer` may do `action` at `now`; a refusal has the first reason that applies.

    `facts` is None if the subject does not exist or the viewer may not see it. `conflict` is true if the viewer is an
    agent who is also a party, with another account.
    """
    if facts is None or not _belongs_to(viewer, facts):
        return _refused(action, Reason.NOT_FOUND)
    rule = _rule(action, facts)
    return _refused(action, Reason.NOT_OFFERED) if rule is None else _apply(rule, facts, viewer.role, now, conflict)


def decide_as(role: Role, action: Action, facts: Facts, now: datetime) -> Decision:
    """Decides for the party in this role, or for an agent who is no party."""
    rule = _rule(action, facts)
    return _refused(action, Reason.NOT_OFFERED) if rule is None else _apply(rule, facts, role, now, False)


def _order_kind(facts: Facts) -> OrderKind | None:
    """Returns the kind of an order; rules for other subjects do not depend on a kind."""
    return getattr(facts, "kind") if facts.subject is Subject.ORDER else None  # noqa: B009


def _rule(action: Action, facts: Facts) -> Rule | None:
    return TABLE.get((facts.subject, action, _order_kind(facts)))


def _belongs_to(viewer: ViewerIdentity, facts: Facts) -> bool:
    party = facts.party(viewer.role)
    return party is None or party == viewer.id


def _refused(action: Action, reason: Reason) -> Decision:
    return Decision(
        action, allowed=False, label=gettext(humanize(action)), reason=reason, message=message_for(action, reason)
    )


def _allowed(rule: Rule, facts: Facts, role: Role, now: datetime) -> Decision:
    opens_at, closes_at = rule.window.bounds(facts) if rule.window else (None, None)
    return Decision(
        rule.action, True, gettext(rule.label), None, None, opens_at, closes_at, (rule, facts, role, now, False)
    )


def _apply(rule: Rule, facts: Facts, role: Role, now: datetime, conflict: bool) -> Decision:
    opens_at, closes_at = rule.window.bounds(facts) if rule.window else (None, None)
    reason = _first_reason(rule, facts, role, now, opens_at, closes_at, conflict)
    opens_by_time = False
    if reason is not None and rule.window is None and role in rule.roles and not conflict:
        opens_at = _opens_at(rule, facts, role, now)
        opens_by_time = opens_at is not None
    message = message_for(rule.action, reason, opens_at, closes_at, opens_by_time=opens_by_time) if reason else None
    basis = (rule, facts, role, now, conflict) if role in rule.roles else None
    return Decision(rule.action, reason is None, gettext(rule.label), reason, message, opens_at, closes_at, basis)


def _checks(rule: Rule, facts: Any, role: Role, now: datetime, conflict: bool) -> list[Check]:
    checks: list[Check] = []
    if Role.AGENT in rule.roles and role is Role.AGENT:
        checks.append(Check(gettext(IMPARTIAL), not conflict, Reason.CONFLICT_OF_INTEREST if conflict else None, None))
    for condition in rule.conditions:
        holds = condition.test.holds(facts, role, now)
        since = condition.test.decided_since(facts, role, now)
        checks.append(Check(gettext(condition.text), bool(holds), None if holds else condition.reason, since))
    if rule.window is not None:
        opens, closes = rule.window.bounds(facts)
        is_early = opens is None or now < opens
        reason = Reason.WINDOW_NOT_OPEN if is_early else None
        if closes is not None and now > closes:
            reason = Reason.WINDOW_CLOSED
        checks.append(Check(gettext(rule.window.text), reason is None, reason, getattr(facts, rule.window.start)))
    return checks


def _opens_at(rule: Rule, facts: Facts, role: Role, now: datetime) -> datetime | None:
    """Returns the first instant after `now` from which time alone allows the action; None if it never does."""
    instants = [
        start + duration for fact, duration, _ in _boundaries_of(rule.is_open) if (start := getattr(facts, fact))
    ]
    is_open = compile_predicate(rule.is_open)
    return next((instant for instant in sorted(instants) if instant > now and is_open(facts, role, instant)), None)


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
    if (reason := rule.first_unmet_reason(facts, role, now)) is not None:
        return reason
    if opens_at is not None and now < opens_at:
        return Reason.WINDOW_NOT_OPEN
    if closes_at is not None and now > closes_at:
        return Reason.WINDOW_CLOSED
    return None


class RulesForViewer:
    """The rules that apply to one role, subject and kind of order, compiled."""

    def __init__(self, subject: Subject, kind: OrderKind | None, role: Role) -> None:
        rules = [rule for key, rule in TABLE.items() if key[0] is subject and key[2] is kind and role in rule.roles]
        self.rules = [(rule, compile_predicate(rule.is_open)) for rule in rules]
        self.predicates = {rule.action: is_open for rule, is_open in self.rules}
        self.boundaries = _boundaries(rule.is_open for rule in rules)


def _boundaries(expressions: Iterable[Expression]) -> list[tuple[str, timedelta, Evaluator]]:
    """Returns (fact, duration, predicate): at fact + duration the predicate's result may change."""
    return [boundary for expression in expressions for boundary in _boundaries_of(expression)]


@cache  # for the expressions of tables and row classes, of which there are few
def _boundaries_of(expression: Expression) -> list[tuple[str, timedelta, Evaluator]]:
    predicate = compile_predicate(expression)
    return [(fact, duration + MOMENT, predicate) for fact, duration in set(expression.time_boundaries())]


@cache
def rules_for(role: Role, subject: Subject, kind: OrderKind | None) -> RulesForViewer:
    return RulesForViewer(subject, kind, role)


def is_allowed(action: Action, facts: Facts, viewer: ViewerIdentity, now: datetime) -> bool:
    """Returns `decide(...).allowed`, without computing the reason."""
    is_open = rules_for(viewer.role, facts.subject, _order_kind(facts)).predicates.get(action)
    return is_open is not None and _belongs_to(viewer, facts) and is_open(facts, viewer.role, now)


def available_actions(facts: Facts, viewer: ViewerIdentity, now: datetime, *, conflict: bool = False) -> list[Decision]:
    """Returns a decision for each allowed action, in the table's order."""
    if conflict or not _belongs_to(viewer, facts):
        return []
    rules = rules_for(viewer.role, facts.subject, _order_kind(facts)).rules
    role = viewer.role
    return [_allowed(rule, facts, role, now) for rule, is_open in rules if is_open(facts, role, now)]


def changes(before: Facts, after: Facts, role: Role, now: datetime) -> tuple[list[Decision], list[Decision]]:
    """Returns the decisions on `after` that allow what was not allowed before, and those that do not allow what was."""
    opens: list[Decision] = []
    closes: list[Decision] = []
    for rule, is_open in rules_for(role, after.subject, _order_kind(after)).rules:
        was, will = bool(is_open(before, role, now)), bool(is_open(after, role, now))
        if was != will:
            (opens if will else closes).append(_apply(rule, after, role, now, False))
    return opens, closes


def next_change_at(
    facts: Facts, viewer: ViewerIdentity, now: datetime, also: Iterable[Expression] = (), *, conflict: bool = False
) -> datetime | None:
    """Returns the first instant after `now` at which time alone changes `available_actions` or one of `also`."""
    if not _belongs_to(viewer, facts):
        return None
    role = viewer.role
    boundaries = [] if conflict else rules_for(role, facts.subject, _order_kind(facts)).boundaries
    if also:
        boundaries = [*boundaries, *_boundaries(also)]
    # A predicate cannot change between its own boundaries, so it is evaluated at those instants only.
    candidates: list[tuple[datetime, Evaluator]] = []
    for fact, duration, predicate in boundaries:
        start: datetime | None = getattr(facts, fact)
        if start is not None and (instant := start + duration) > now:
            candidates.append((instant, predicate))
    if len(candidates) > 1:
        candidates.sort(key=itemgetter(0))
    return next(
        (
            instant
            for instant, predicate in candidates
            if predicate(facts, role, instant) != predicate(facts, role, now)
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class NextChange:
    """What time alone changes next about the available actions."""

    at: datetime
    opens: list[Action]
    closes: list[Action]


def next_change(facts: Facts, viewer: ViewerIdentity, now: datetime, *, conflict: bool = False) -> NextChange | None:
    """Returns the change at `next_change_at`; None if time alone changes nothing."""
    at = next_change_at(facts, viewer, now, conflict=conflict)
    if at is None:
        return None
    rules = rules_for(viewer.role, facts.subject, _order_kind(facts)).rules
    before, after = ([bool(is_open(facts, viewer.role, when)) for _, is_open in rules] for when in (now, at))
    changed = [
        (rule.action, opens) for (rule, _), closes, opens in zip(rules, before, after, strict=True) if opens != closes
    ]
    return NextChange(
        at, [action for action, opens in changed if opens], [action for action, opens in changed if not opens]
    )


def deadline(action: Action, facts: Facts, now: datetime) -> datetime | None:
    """Returns the last instant of the action's window if all other conditions are true, for any viewer."""
    rule = _rule(action, facts)
    if rule is None or rule.window is None or rule.first_unmet_reason(facts, rule.roles[0], now) is not None:
        return None
    return rule.window.bounds(facts)[1]


def condition_for(viewer: ViewerIdentity, action: Action, subject: Subject) -> Expression:
    """Returns the expression "`viewer` may do `action`", for a query over rows that belong to the viewer."""
    return any_of(
        Equals("kind", rule.kind) & rule.is_open if rule.kind else rule.is_open
        for rule in TABLE.values()
        if rule.action is action and rule.subject is subject and viewer.role in rule.roles
    )
