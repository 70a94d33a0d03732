"""What a viewer may do now, and why not: a table of rules over facts, and the one function that reads it.

Pure Python without I/O. The mutations, the computed fields, the filter `can`, the `rules` field and docs/policy.md are
all readings of the same table.
"""

from resolvers.policy.decide import (
    Decision,
    available_actions,
    deadline,
    decide,
    next_change_at,
    open_to,
)
from resolvers.policy.facts import (
    DisputeFacts,
    Fact,
    OrderFacts,
    dispute_status,
    fold,
    respond_by,
    status,
    status_is,
    unrecorded,
)
from resolvers.policy.rule import Rule, Subject
from resolvers.policy.table import TABLE

__all__ = [
    "TABLE",
    "Decision",
    "DisputeFacts",
    "Fact",
    "OrderFacts",
    "Rule",
    "Subject",
    "available_actions",
    "deadline",
    "decide",
    "dispute_status",
    "fold",
    "next_change_at",
    "open_to",
    "respond_by",
    "status",
    "status_is",
    "unrecorded",
]
