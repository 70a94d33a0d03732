"""Whose move a case is, as expressions: for lists of what waits for a viewer.

Lists read a move in parts that share no case, each of which an index has. A dispute waits for a buyer

    NOT closed AND waits_for = 'BUYER' AND <it is the buyer's move>     with a proposal, or a request for evidence
    <an address, and no end of the return> AND <it is the buyer's move> with goods to send back
"""

from models.enums import PARTIES, DisputeStatus, Role
from resolvers.policy.complaint import COMPLAINT_CLOSED
from resolvers.policy.dispute import DISPUTE_STATUSES, NOT_CLOSED, RETURN_FACTS, RETURN_MOVES, RETURN_STATUSES
from resolvers.policy.expression import Equals, Expression, OlderThan, any_of
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


def moves_of_anybody(subject: Subject) -> Expression:
    return any_of(MOVES[subject].values())


def parts_of_move(subject: Subject, role: Role) -> list[Expression]:
    """Returns the expression "it is the move of this role" in parts that share no case."""
    move = MOVES[subject].get(role)
    if move is None:
        return []
    if subject is Subject.COMPLAINT:
        return [~COMPLAINT_CLOSED & move]
    if role is Role.AGENT:
        # Without NOT_CLOSED, so that the index by the due date has it, and no index in another order.
        of_parties = [Equals("waits_for", party) & OlderThan("due_at") & move for party in PARTIES]
        return [NOT_CLOSED & Equals("waits_for", role) & move, *of_parties]
    turn = NOT_CLOSED & Equals("waits_for", role)
    returns = [RETURN_FACTS[status] for status, mover in RETURN_MOVES.items() if mover is role]
    return [turn & move, *(part & ~turn & move for part in returns)]


def parts_of_others_move(subject: Subject, role: Role) -> list[Expression]:
    """Returns the expression "it is the move of a party, and not of this role" in parts that share no case. For those
    who see the cases of all parties it is one part: many of the latest cases are in it, so a list of them is short."""
    others = [party for party in PARTIES if party is not role]
    if role in PARTIES:
        return [part for party in others for part in parts_of_move(subject, party)]
    return [any_of(move for party in others if (move := MOVES[subject].get(party)) is not None)]
