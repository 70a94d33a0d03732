"""The policy: what a viewer may do now, and if not, why. A table of rules over facts, and `decide`, which reads it.

Pure Python without I/O. Mutations, computed fields, the filter `can`, the field `rules` and docs/policy.md all read
this table.
"""

from resolvers.policy.complaint import (
    COMPLAINT_CLOSED,
    COMPLAINT_STATUSES,
    REPLY_OVERDUE,
    REPLY_WITHIN,
    ComplaintFacts,
)
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
    claimable_facts,
    expiration,
    respond_by,
    waits_for,
)
from resolvers.policy.expression import Bind, Expression
from resolvers.policy.fold import Fact, fold
from resolvers.policy.order import ORDER_STATUSES, OrderFacts, claimable_amount, unrecorded_order
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
    "available_actions",
    "claimable_amount",
    "claimable_facts",
    "condition_for",
    "deadline",
    "decide",
    "expiration",
    "fold",
    "is_allowed",
    "next_change_at",
    "respond_by",
    "status_at",
    "status_is",
    "unrecorded_order",
    "waits_for",
]
