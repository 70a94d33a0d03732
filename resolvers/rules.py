"""The policy table itself, for help pages and support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from strawberry import UNSET

from models.enums import Action, OrderKind, Role
from resolvers import policy
from resolvers.language import gettext
from resolvers.policy.messages import humanize


@dataclass(frozen=True, slots=True)
class Rule:
    action: Action
    roles: list[Role]
    kind: OrderKind | None
    label: str
    conditions: list[str]
    opens_after_days: int | None
    window_days: int | None
    window_from: str | None
    source: str


def rules(action: Action | None = UNSET, kind: OrderKind | None = UNSET) -> list[Rule]:
    return [
        Rule(
            action=rule.action,
            roles=list(rule.roles),
            kind=rule.kind,
            label=gettext(rule.label),
            conditions=[gettext(text) for text in rule.condition_texts],
            opens_after_days=(rule.window.opens_after or None) if rule.window else None,
            window_days=rule.window.days if rule.window else None,
            window_from=gettext(rule.window.start_text) if rule.window else None,
            source=rule.source,
        )
        for rule in policy.TABLE.values()
        if (not action or rule.action is action) and (not kind or rule.kind is kind)
    ]


_HEAD = """# What is offered when

This page is generated from the policy table by `./recourse generate`. The mutations enforce the same table.
A day is 24 hours, and the last instant is inside the window. A refusal has the first reason that applies: not found,
not available for this kind of order, only for another party, the conditions from left to right, the window.
"""


def markdown() -> str:
    lines = [
        "| action | order | who | allowed when | window | label | source |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(_cells(rule))} |" for rule in rules()]
    return "\n".join([_HEAD, *lines]) + "\n"


def _cells(rule: Rule) -> Iterator[str]:
    yield humanize(rule.action)
    yield humanize(rule.kind) if rule.kind else "–"
    yield ", ".join(role.lower() for role in rule.roles)
    yield "; ".join(rule.conditions)
    yield _window(rule)
    yield rule.label
    yield rule.source


def _window(rule: Rule) -> str:
    if rule.window_from is None:
        return "–"
    if rule.opens_after_days:
        return f"from {rule.opens_after_days} days after {rule.window_from}"
    return f"{rule.window_days} days from {rule.window_from}"
