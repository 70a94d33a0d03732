"""The names of enum values for people: "Trade Assurance" for TRADE_ASSURANCE, in the request's language."""

from models.enums import (
    Action,
    AgendaKind,
    CancellationReason,
    CancellationStatus,
    ChangeKind,
    ComplaintKind,
    ComplaintStatus,
    DescribedEnum,
    DisputeReason,
    DisputeStatus,
    OrderKind,
    OrderStatus,
    Reason,
    RefundCause,
    RefundStatus,
    ResolutionKind,
    ReturnStatus,
    Role,
    ViewerState,
)
from resolvers.language import gettext
from resolvers.policy.messages import humanize

# What people choose from. Their descriptions are for people as well.
CHOICES: tuple[type[DescribedEnum], ...] = (CancellationReason, DisputeReason, ResolutionKind, ComplaintKind)
NAMED: tuple[type[DescribedEnum], ...] = (
    OrderKind,
    OrderStatus,
    Role,
    Action,
    Reason,
    CancellationStatus,
    DisputeStatus,
    ComplaintStatus,
    ViewerState,
    RefundStatus,
    RefundCause,
    ReturnStatus,
    AgendaKind,
    ChangeKind,
    *CHOICES,
)
# Proper names, and values that say too little alone.
_NAMES: dict[DescribedEnum, str] = {
    OrderKind.TRADE_ASSURANCE: "Trade Assurance",
    OrderKind.SECURE_PAYMENT: "Secure Payment",
    OrderKind.OFFLINE: "Offline trade",
    Role.SERVICE: "Order system",
}


def english_name(member: DescribedEnum) -> str:
    return _NAMES.get(member) or humanize(member)


def name_of(member: DescribedEnum) -> str:
    """Returns the name of a value of an enum in NAMED."""
    return gettext(english_name(member))
