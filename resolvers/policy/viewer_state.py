"""Whose move a case is, as expressions: for lists of what waits for a viewer."""

from models.enums import PARTIES, DisputeStatus, Role
from resolvers.policy.dispute import DISPUTE_STATUSES, RETURN_MOVES, RETURN_STATUSES
from resolvers.policy.expression import Equals, Expression, any_of
from resolvers.policy.rule import Subject
from resolvers.policy.status import status_is

NOBODY = any_of([])  # nobody's move

_evidence_awaited = status_is(DISPUTE_STATUSES, {DisputeStatus.EVIDENCE_REQUESTED})


def _moves_return(party: Role) -> Expression:
    return status_is(RETURN_STATUSES, [status for status, mover in RETURN_MOVES.items() if mover is party])


# The expression "it is the move of this role". Without a line, it never is.
MOVES: dict[Subject, dict[Role, Expression]] = {
    Subject.DISPUTE: {
        Role.BUYER: any_of(
            [
                status_is(DISPUTE_STATUSES, {DisputeStatus.AWAITING_BUYER}),
                _evidence_awaited & Equals("waits_for", Role.BUYER),
                _moves_return(Role.BUYER),
            ]
        ),
        Role.SUPPLIER: any_of(
            [
                status_is(DISPUTE_STATUSES, {DisputeStatus.AWAITING_SUPPLIER}),
                _evidence_awaited & Equals("waits_for", Role.SUPPLIER),
                _moves_return(Role.SUPPLIER),
            ]
        ),
        Role.AGENT: status_is(DISPUTE_STATUSES, {DisputeStatus.UNDER_REVIEW}),
    },
    Subject.COMPLAINT: {role: Equals("waits_for", role) for role in (Role.BUYER, Role.AGENT)},
}


def moves_of_others(subject: Subject, role: Role) -> Expression:
    """Returns the expression "it is the move of a party, and not of this role"."""
    return any_of(move for mover, move in MOVES[subject].items() if mover in PARTIES and mover is not role)


def moves_of_anybody(subject: Subject) -> Expression:
    return any_of(MOVES[subject].values())
