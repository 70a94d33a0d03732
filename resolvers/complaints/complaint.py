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
from execution.lookahead import SelectedField
from models.enums import (
    Action,
    CaseKind,
    ComplaintKind,
    ComplaintStatus,
    InputProblem,
    ResolutionKind,
    Role,
    ViewerState,
)
from resolvers import account, ids, policy
from resolvers.account import Account, names_account
from resolvers.actionable import Actionable, Past, replays_events
from resolvers.actions import CaseInput, Payload, act_on_case, read_back, read_case
from resolvers.conflict import PARTY, SUPPLIER_OF_ITS_ORDER, finds_conflicts, with_conflict
from resolvers.contact import e164, normal_email, normal_page
from resolvers.context import Context, Info
from resolvers.files.attachment import Attachment, resolve_uploads
from resolvers.money import Money, money
from resolvers.orders.order import Order
from resolvers.policy import ComplaintFacts, OrderFacts
from resolvers.read import fetch
from resolvers.read.pagination import has_pages
from resolvers.read.relations import belongs_to, has_list, loaded_by
from resolvers.read.rows import Row
from resolvers.resolution import Decided
from resolvers.write.cases import change_case, close_case, open_case, viewer_state
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.inputs import LONG_TEXT, Checks, Input, MoneyInput
from resolvers.write.perform import ActionHandler, ActionTarget, UnitOfWork, lock_order, perform, the_order


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

    @property
    def phone_e164(self) -> str | None:
        return e164(self.phone) if self.phone else None


async def _load_respondents(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
    await Complaint.relations_by_name["of_order"].load(context, rows, field.below.bare("of_order"))
    orders = [row.of_order for row in rows if row.of_order is not None]
    await Order.relations_by_name["supplier"].load(context, orders, field)


@dataclass(slots=True, kw_only=True)
class Complaint(ComplaintFacts, Actionable, Decided, Row):
    MODEL = models.Complaint
    moved_by_time = (policy.REPLY_OVERDUE,)
    relations = (
        belongs_to("order", "Order", column="order_id"),
        belongs_to("of_order", "Order", column="order_id"),
        loaded_by("respondent", _load_respondents),
        has_pages("messages", "Message", column="case_id"),
        has_list(("evidence",), "Attachment", attribute="evidence", column="case_id"),
        names_account("outcome", attribute="outcome_by"),
        has_pages("timeline", "TimelineEntry", column="case_id"),
        finds_conflicts("complainant_id", SUPPLIER_OF_ITS_ORDER),
        replays_events(column="case_id", facts="case_facts", needs=(PARTY,)),
    )

    context: Context = field(repr=False)
    id: UUID
    number: str
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
    outcome_resolution: ResolutionKind | None
    outcome_amount: int | None
    outcome_currency: str | None
    outcome_by_id: UUID | None
    outcome_note: str | None

    order: Order | None = field(init=False, default=None)
    of_order: Order | None = field(init=False, default=None, repr=False)
    outcome_by: Account | None = field(init=False, default=None)
    as_party: Account | None = field(init=False, default=None, repr=False)
    evidence: list[Attachment] = field(init=False, default_factory=list[Attachment])
    pages: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])
    collections: Sequence[list[Any]] = field(init=False, default=())
    past: Sequence[Past] = field(init=False, default=())

    @property
    def has_conflict(self) -> bool:
        return self.as_party is not None

    @property
    def status(self) -> ComplaintStatus:
        return policy.status_at(policy.COMPLAINT_STATUSES, self, self.context.now)

    @property
    def ended_at(self) -> datetime | None:
        return self.closed_at

    @property
    def is_final(self) -> bool:
        return self.closed_at is not None

    @property
    def viewer_state(self) -> ViewerState:
        return viewer_state(self.waits_for, self.context.viewer.role, conflict=self.has_conflict)

    @property
    def respondent(self) -> Respondent:
        account = self.of_order.supplier if self.of_order else None
        return Respondent(account, self.respondent_email, self.respondent_member_id, self.respondent_url)

    @property
    def contact(self) -> Contact:
        return Contact(self.contact_email, self.contact_phone)

    @property
    def amount_money(self) -> Money | None:
        return money(self.amount, self.amount_currency)

    @property
    def reply_expected_by(self) -> datetime:
        assert self.opened_at is not None
        return self.opened_at + policy.REPLY_WITHIN

    @property
    def reply_overdue(self) -> bool:
        return policy.REPLY_OVERDUE.holds(self, Role.AGENT, self.context.now)

    def facts(self) -> ComplaintFacts:
        """The complaint when nothing was known of it yet."""
        return ComplaintFacts(complainant_id=self.complainant_id)


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
class FileComplaint(IdempotentInput):
    kind: ComplaintKind
    description: str
    respondent: RespondentInput | None = UNSET
    order_id: strawberry.ID | None = UNSET
    amount: MoneyInput | None = UNSET
    contact: ContactInput
    evidence: list[strawberry.ID] | None = UNSET


@dataclass(slots=True, kw_only=True)
class ComplaintPayload(Payload):
    complaint: Complaint | None


@dataclass(kw_only=True)
class WithdrawComplaint(CaseInput):
    note: str | None = UNSET


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
        "respondent_member_id": checks.line("respondent.memberId", respondent.member_id, 255),
        "respondent_url": checks.url("respondent.url", respondent.url),
        "contact_email": checks.email("contact.email", input.contact.email),
        "contact_phone": checks.phone("contact.phone", input.contact.phone),
        "amount": checks.money("amount", input.amount),
        "amount_currency": input.amount.currency_code if input.amount else None,
    }
    files = await resolve_uploads(info.context, checks, "evidence", input.evidence)
    filed: list[UUID] = []  # by the last attempt

    async def effect(performing: UnitOfWork) -> None:
        order, now = performing.order, performing.now
        if order is None and (twin := await _filed_just_now(performing, columns)) is not None:
            performing.first_case = twin
            return
        facts: dict[str, Any] = {"opened_at": now, "waits_for": Role.AGENT, "due_at": now + policy.REPLY_WITHIN}
        of = {"complainant_id": performing.context.viewer.id, "order_id": order.id if order else None}
        id = await open_case(performing, CaseKind.COMPLAINT, facts, **of, **columns)
        await files.attach_to(performing, CaseKind.COMPLAINT, id)
        filed[:] = [id]
        if order is not None:
            performing.set(complaint_open_since=now)

    target = the_order(input.order_id) if input.order_id is not None else _A_TRADE_NOT_ON_RECORD
    done = await perform(info.context, Action.FILE_COMPLAINT, target, effect, input, checks)
    id = done.first_case or (filed[0] if filed and not done.errors else None)
    complaint = await read_case(info, Complaint, ids.encode("Complaint", id)) if id else None
    order = await read_back(info, input.order_id)
    return ComplaintPayload(order=order, complaint=complaint, user_errors=done.errors)


_JUST_NOW = timedelta(minutes=1)


async def _filed_just_now(performing: UnitOfWork, columns: dict[str, Any]) -> UUID | None:
    """The viewer's open complaint against the same respondent in the same words, filed within a minute: a second tap
    on the button, also of a request that arrived later and was faster. Nobody else files for the viewer meanwhile."""
    context, now = performing.context, performing.now
    filed = await fetch.fetch(
        context,
        Complaint,
        lambda bind: (
            f"complainant_id = {bind(context.viewer.id)} AND order_id IS NULL AND closed_at IS NULL"
            f" AND opened_at BETWEEN {bind(now - _JUST_NOW)} AND {bind(now + _JUST_NOW)}"
            f" AND description = {bind(columns['description'])}"
        ),
        order="opened_at, id",
    )
    wanted = _respondent(*(columns[f"respondent_{name}"] for name in ("email", "member_id", "url"))) if filed else None
    twins = (
        each.id
        for each in filed
        if _respondent(each.respondent_email, each.respondent_member_id, each.respondent_url) == wanted
    )
    return next(twins, None)


def _respondent(email: str | None, member_id: str | None, url: str | None) -> tuple[str | None, ...]:
    """Whoever is named so, in the forms in which they are compared."""
    return email and normal_email(email), member_id, url and normal_page(url)


async def _lock_complainant(context: Context) -> None:
    await account.lock(context.viewer.id)


async def _unrecorded(context: Context, _order: Order | None) -> OrderFacts:
    return policy.unrecorded_order(context.viewer.id)


_A_TRADE_NOT_ON_RECORD = ActionTarget(_lock_complainant, _unrecorded)


async def withdraw_complaint(info: Info, input: WithdrawComplaint) -> ComplaintPayload:
    async def effect(performing: UnitOfWork) -> None:
        change_complaint(performing, close_case(performing, ComplaintStatus.WITHDRAWN))

    return await on_complaint(info, Action.WITHDRAW_COMPLAINT, input, effect)


def change_complaint(performing: UnitOfWork, facts: dict[str, Any], **columns: Any) -> None:
    """Sets facts of the complaint that is acted on, and those of its order that follow from them."""
    change_case(performing, CaseKind.COMPLAINT, performing.subject.id, facts, **columns)
    if "closed_at" in facts and performing.order is not None:
        performing.set(complaint_open_since=None)


async def on_complaint(
    info: Info,
    action: Action,
    input: CaseInput,
    effect: ActionHandler,
    checks: Checks | None = None,
    *,
    note_required: bool = False,
) -> ComplaintPayload:
    """Performs an action on a complaint, and answers with everything as it stands. `checks` are those made so far."""
    order, complaint, errors = await act_on_case(
        info, action, the_complaint(input.case_id), effect, Complaint, input, checks, note_required=note_required
    )
    return ComplaintPayload(order=order, complaint=complaint, user_errors=errors)


def the_complaint(id: str) -> ActionTarget:
    key = ids.key_of("Complaint", id)

    async def lock(context: Context) -> Order | None:
        if key is None:
            return None
        order = await lock_order(context, lambda bind: f"id = (SELECT order_id FROM complaints WHERE id = {bind(key)})")
        if order is None:
            await fetch.fetch(context, Complaint, lambda bind: f"id = {bind(key)}", lock=True)
        return order

    async def read(context: Context, _order: Order | None) -> Complaint | None:
        return await with_conflict(context, await fetch.by_id(context, Complaint, id))

    return ActionTarget(lock, read)
