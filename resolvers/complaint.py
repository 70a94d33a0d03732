"""Complaints to the Complaint Center: about trades made outside the marketplace's own payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

import models
from models.enums import (
    Action,
    CaseKind,
    ComplaintKind,
    ComplaintStatus,
    InputProblem,
    Role,
    ViewerState,
)
from resolvers import ids, policy, reading
from resolvers.account import Account
from resolvers.case import open_case
from resolvers.context import Context, Info
from resolvers.errors import UserError
from resolvers.input import LONG_TEXT, Checks, Input, MoneyInput
from resolvers.money import Money, money
from resolvers.order import Order
from resolvers.payload import read_back, read_case
from resolvers.perform import Performing, perform, the_order
from resolvers.reading import Row
from resolvers.selection import Asked, Selection

REPLY_WITHIN = timedelta(days=5)  # the help page, Disputes 3: five calendar days


@dataclass(frozen=True, slots=True)
class Respondent:
    account: Account | None
    email: str | None
    member_id: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Contact:
    email: str | None
    phone: str | None


@dataclass(slots=True, kw_only=True)
class Complaint(Row):
    MODEL = models.Complaint

    context: Context = field(repr=False)
    id: UUID
    number: str
    complainant_id: UUID
    order_id: UUID | None
    kind: ComplaintKind
    respondent_email: str | None
    respondent_member_id: str | None
    respondent_url: str | None
    description: str
    amount: int | None
    amount_currency: str | None
    contact_email: str | None
    contact_phone: str | None
    opened_at: datetime
    closed_at: datetime | None
    closed_as: ComplaintStatus | None

    order: Any = field(init=False, default=None)
    timelines: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])

    @property
    def global_id(self) -> str:
        return ids.encode("Complaint", self.id)

    @property
    def status(self) -> ComplaintStatus:
        return self.closed_as or ComplaintStatus.SUBMITTED

    @property
    def is_final(self) -> bool:
        return self.closed_at is not None

    @property
    def viewer_state(self) -> ViewerState:
        if self.closed_at is not None:
            return ViewerState.CLOSED
        is_agent = self.context.viewer.role is Role.AGENT
        return ViewerState.ACTION_REQUIRED if is_agent else ViewerState.UNDER_REVIEW

    @property
    def respondent(self) -> Respondent:
        account = self.order.supplier if self.order else None
        return Respondent(account, self.respondent_email, self.respondent_member_id, self.respondent_url)

    @property
    def contact(self) -> Contact:
        return Contact(self.contact_email, self.contact_phone)

    @property
    def amount_money(self) -> Money | None:
        return money(self.amount, self.amount_currency)

    @property
    def reply_expected_by(self) -> datetime:
        return self.opened_at + REPLY_WITHIN

    @property
    def reply_overdue(self) -> bool:
        return self.closed_at is None and self.context.now > self.reply_expected_by


reading.refers_to(Complaint, "order", "order", Order, "Order")
reading.has_latest(Order, "complaint", "complaint", Complaint, "Complaint", order="opened_at, id")


async def _load_respondents(context: Context, rows: Sequence[Any], asked: Asked) -> None:
    await Complaint.relations["order"](context, rows, Selection(asked.below.info).as_field("order"))
    orders = [row.order for row in rows if row.order is not None]
    await Order.relations["supplier"](context, orders, asked)


Complaint.relations["respondent"] = _load_respondents


@dataclass(kw_only=True)
class RespondentInput(Input):
    email: str | None = UNSET
    member_id: str | None = UNSET
    url: str | None = UNSET


@dataclass(kw_only=True)
class ContactInput(Input):
    email: str | None = UNSET
    phone: str | None = UNSET


@dataclass(kw_only=True)
class FileComplaint(Input):
    kind: ComplaintKind
    description: str
    respondent: RespondentInput | None = UNSET
    order_id: strawberry.ID | None = UNSET
    amount: MoneyInput | None = UNSET
    contact: ContactInput


@dataclass(slots=True, kw_only=True)
class ComplaintPayload:
    order: Order | None
    complaint: Complaint | None
    user_errors: list[UserError]


async def file_complaint(info: Info, input: FileComplaint) -> ComplaintPayload:
    checks = Checks()
    checks.text("description", input.description, LONG_TEXT, required=True)
    if input.contact.email is None and input.contact.phone is None:
        checks.problem("contact", InputProblem.REQUIRED, "Say how to reach you: by e-mail or by phone.")
    if input.respondent is None and input.order_id is None:
        checks.problem("respondent", InputProblem.REQUIRED, "Name the supplier, or the order.")
    respondent = input.respondent or RespondentInput()
    columns: dict[str, Any] = {
        "kind": input.kind,
        "description": input.description,
        "respondent_email": checks.email("respondent.email", respondent.email),
        "respondent_member_id": checks.text("respondent.memberId", respondent.member_id, 255),
        "respondent_url": checks.url("respondent.url", respondent.url),
        "contact_email": checks.email("contact.email", input.contact.email),
        "contact_phone": checks.phone("contact.phone", input.contact.phone),
        "amount": checks.money("amount", input.amount),
        "amount_currency": input.amount.currency_code if input.amount else None,
    }
    filed: list[UUID] = []

    async def effect(performing: Performing) -> None:
        order = performing.order
        facts: dict[str, Any] = {"opened_at": performing.now}
        of = {"complainant_id": performing.context.viewer.id, "order_id": order.id if order else None}
        filed.append(await open_case(performing, CaseKind.COMPLAINT, facts, **of, **columns))
        if order is not None:
            performing.set(complaint_open_since=performing.now)

    lock = the_order(input.order_id) if input.order_id else _no_order
    errors = checks.errors or await perform(info.context, Action.FILE_COMPLAINT, lock, effect)
    complaint = await read_case(info, Complaint, "Complaint", ids.encode("Complaint", filed[0])) if filed else None
    order = await read_back(info, input.order_id, "ComplaintPayload")
    return ComplaintPayload(order=order, complaint=complaint, user_errors=errors)


async def _no_order(context: Context) -> tuple[Order | None, Any]:
    return None, policy.unrecorded(context.viewer.id)
