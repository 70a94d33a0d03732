"""What a viewer may do now, and why not: a table of rules over facts, and the one function that reads it.

Pure Python without I/O. The mutations, the computed fields, the filter `can`, the `rules` field and docs/policy.md are
all readings of the same table.
"""

from resolvers.policy.complaint import (
    COMPLAINT_CLOSED,
    COMPLAINT_STATUSES,
    REPLY_OVERDUE,
    REPLY_WITHIN,
    ComplaintFacts,
)
from resolvers.policy.conditions import Bind, Expression, Viewpoint
from resolvers.policy.decide import (
    Decision,
    available_actions,
    condition_for,
    deadline,
    decide,
    is_allowed,
    next_change_at,
)
from resolvers.policy.dispute import (
    ANSWER_WITHIN,
    CLOSING,
    DISPUTE_CLOSED,
    DISPUTE_STATUSES,
    EVIDENCE_WITHIN,
    NEVER_DUE,
    DisputeFacts,
    done_by_time,
    respond_by,
    waits_for,
)
from resolvers.policy.fold import Fact, fold
from resolvers.policy.order import ORDER_STATUSES, OrderFacts, claimable, unrecorded
from resolvers.policy.rule import Rule, Subject
from resolvers.policy.rules import TABLE
from resolvers.policy.status import status_at, status_is

__all__ = [
    "ANSWER_WITHIN",
    "CLOSING",
    "COMPLAINT_CLOSED",
    "COMPLAINT_STATUSES",
    "DISPUTE_CLOSED",
    "DISPUTE_STATUSES",
    "EVIDENCE_WITHIN",
    "NEVER_DUE",
    "ORDER_STATUSES",
    "REPLY_OVERDUE",
    "REPLY_WITHIN",
    "TABLE",
    "Bind",
    "ComplaintFacts",
    "Decision",
    "DisputeFacts",
    "Expression",
    "Fact",
    "OrderFacts",
    "Rule",
    "Subject",
    "Viewpoint",
    "available_actions",
    "claimable",
    "condition_for",
    "deadline",
    "decide",
    "done_by_time",
    "fold",
    "is_allowed",
    "next_change_at",
    "respond_by",
    "status_at",
    "status_is",
    "unrecorded",
    "waits_for",
]
