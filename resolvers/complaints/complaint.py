"""Complaints to the Complaint Center, about trades that were not paid through the marketplace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import strawberry

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
from resolvers import account, policy
from resolvers.account import Account, names_account
from resolvers.actionable import Actionable, Past, replays_events
from resolvers.actions import CaseInput, Payload, Resource, act
from resolvers.conflict import PARTY, SUPPLIER_OF_ITS_ORDER, finds_conflicts, with_conflict
from resolvers.contact import e164, normal_email, normal_page
from resolvers.context import Context, Info
from resolvers.files.attachment import (
    Attachment,
    HasFiles,
    TakenFiles,
    count_for_forms,
    resolve_uploads,
    uploads_field,
)
from resolvers.language import gettext, gettext_noop
from resolvers.money import Money, money
from resolvers.orders.order import Order
from resolvers.orders.target import lock_order
from resolvers.policy import ComplaintFacts, Effect, OrderFacts, effects
from resolvers.read import fetch
from resolvers.read.pagination import has_pages
from resolvers.read.relations import belongs_to, has_list, loaded_by
from resolvers.read.rows import Row
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.resolution import Decided
from resolvers.write.cases import open_case, update_case, viewer_state
from resolvers.write.checks import Checks
from resolvers.write.form import taken_if
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.inputs import (
    EMAIL,
    LONG_TEXT,
    PHONE,
    SHORT_TEXT,
    WEB_PAGE,
    Input,
    MoneyInput,
    input_field,
    input_type,
)
from resolvers.write.perform import ActionTarget, UnitOfWork


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
    await Complaint.relations_by_name["of_order"].load(context, rows, field.selection.empty_field("of_order"))
    orders = [row.of_order for row in rows if row.of_order is not None]
    await Order.relations_by_name["supplier"].load(context, orders, field)


@dataclass(slots=True, kw_only=True)
class Complaint(ComplaintFacts, Actionable, Decided, HasFiles, Row):
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
        loaded_by("availableActions", count_for_forms, needs=(PARTY,)),
        replays_events(column="case_id", facts="case_facts", needs=(PARTY,), load_for_forms=count_for_forms),
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
    taken_files: TakenFiles | None = field(init=False, default=None)

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


@input_type("The supplier, if the trade is not on record.", one_of=True)
class RespondentInput(Input):
    email: str | None = input_field("The supplier's e-mail address.", form=EMAIL, label="The supplier's e-mail address")
    member_id: str | None = input_field(
        "The supplier's member id on the marketplace.",
        max_length=255,
        one_line=True,
        label="The supplier's member id",
    )
    url: str | None = input_field(
        "The page of one of the supplier's products. http:// or https:// may be left out.",
        form=WEB_PAGE,
        label="The page of one of the supplier's products",
    )


@input_type(
    "How to reach you: by e-mail, by phone or by both.",
    at_least_one=gettext_noop("A contact is required; give an e-mail address or a phone number."),
)
class ContactInput(Input):
    email: str | None = input_field("An e-mail address.", form=EMAIL, label="Your e-mail address")
    phone: str | None = input_field(
        "A phone number as people write it, best with its country code. An extension may follow.",
        form=PHONE,
        label="Your phone number",
        hint="Write it with its country code, like +49 30 123456.",
    )


def _is_unrecorded(subject: Order | OrderFacts) -> bool:
    """Whether the complaint names no order, so that it has to name the supplier."""
    return not isinstance(subject, Order)


_RECOMMENDED_EVIDENCE = {
    ComplaintKind.GOODS_NOT_RECEIVED: (
        gettext_noop("Proof of the payment"),
        gettext_noop("Messages in which the supplier promised a date"),
    ),
    ComplaintKind.NOT_AS_AGREED: (
        gettext_noop("Photos of the goods"),
        gettext_noop("The contract, or messages about what was agreed"),
    ),
}


@input_type("A complaint to file. Name the order, the supplier or both.", action=Action.FILE_COMPLAINT)
class FileComplaint(IdempotentInput):
    kind: ComplaintKind = input_field("What went wrong.", label="What went wrong", evidence=_RECOMMENDED_EVIDENCE)
    description: str = input_field(
        "What happened.", max_length=LONG_TEXT, label="What happened", hint="Only agents of the marketplace read it."
    )
    respondent: RespondentInput | None = input_field("The supplier.", now=taken_if(_is_unrecorded))
    order_id: strawberry.ID | None = input_field("The id of the OFFLINE order, if the trade is on record.")
    amount: MoneyInput | None = input_field(
        "The amount that the complaint is about; may be left out.", label="The amount that it is about"
    )
    contact: ContactInput = input_field("How to reach you.")
    evidence: list[strawberry.ID] | None = uploads_field(
        "The ids of uploads.", label="Evidence", hint="Add photos, videos or documents that show what went wrong."
    )


@input_type("The input of an action on a complaint.")
class ComplaintInput(CaseInput):
    case_id: strawberry.ID = input_field("The complaint's id.")


@dataclass(slots=True, kw_only=True)
class ComplaintPayload(Payload):
    complaint: Complaint | None


@input_type("A complaint to withdraw.", action=Action.WITHDRAW_COMPLAINT)
class WithdrawComplaint(ComplaintInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


def complaint_target(id: str) -> ActionTarget:
    key = Complaint.key_of(id)

    async def lock(context: Context) -> Order | None:
        if key is None:
            return None
        order = await lock_order(context, Where("id = (SELECT order_id FROM complaints WHERE id = {})", key))
        if order is None:
            await fetch.fetch(context, Select(Complaint, Where("id = {}", key), lock=True))
        return order

    async def read(context: Context, _order: Order | None) -> Complaint | None:
        return await with_conflict(context, await fetch.by_id(context, Complaint, id))

    return ActionTarget(lock, read)


def _unrecorded_trade() -> ActionTarget:
    """The target of a complaint about a trade that has no order here. It locks the complainant's account."""

    async def lock(context: Context) -> None:
        await account.lock(context.viewer.id)

    async def read(context: Context, _order: Order | None) -> OrderFacts:
        return policy.unrecorded_order(context.viewer.id)

    return ActionTarget(lock, read)


# The payload finds its complaint by id, not through its order, because a complaint may have none.
COMPLAINT = Resource(Complaint, ComplaintPayload, frozenset({Action.FILE_COMPLAINT}), target=complaint_target)


async def file_complaint(info: Info, input: FileComplaint) -> ComplaintPayload:
    checks = Checks(input)
    checks.declared("description")
    if input.respondent is None and input.order_id is None:
        checks.problem(
            "respondent", InputProblem.REQUIRED, gettext("A respondent is required; name the supplier or the order.")
        )
    checks.declared("respondent", "contact")
    respondent = input.respondent or RespondentInput()
    columns: dict[str, Any] = {
        "kind": input.kind,
        "description": input.description,
        "respondent_email": respondent.email,
        "respondent_member_id": respondent.member_id,
        "respondent_url": respondent.url,
        "contact_email": input.contact.email,
        "contact_phone": input.contact.phone,
        "amount": checks.money("amount", input.amount),
        "amount_currency": input.amount.currency_code if input.amount else None,
    }
    uploads = await resolve_uploads(info.context, checks, "evidence", input.evidence)

    async def handler(unit: UnitOfWork) -> None:
        order = unit.order
        if order is None and (twin := await _twin(unit, columns)) is not None:
            unit.first_case = twin
            return
        parties = {"complainant_id": unit.context.viewer.id, "order_id": order.id if order else None}
        id = await open_case(unit, CaseKind.COMPLAINT, effects.file_complaint(unit.now), **parties, **columns)
        await uploads.attach_to(unit, CaseKind.COMPLAINT, id)

    target = _unrecorded_trade() if input.order_id is None else None
    return await act(info, Action.FILE_COMPLAINT, COMPLAINT, input, handler, checks, target=target)


_TWIN_WITHIN = timedelta(minutes=1)


async def _twin(unit: UnitOfWork, columns: dict[str, Any]) -> UUID | None:
    """Returns the viewer's open complaint against the same respondent in the same words that was filed within a minute:
    the button was tapped twice. The other request may have arrived later and been faster. The lock on the viewer's
    account keeps further ones out meanwhile."""
    context, now = unit.context, unit.now
    where = Where(
        "complainant_id = {} AND order_id IS NULL AND closed_at IS NULL AND opened_at BETWEEN {} AND {}"
        " AND description = {}",
        context.viewer.id,
        now - _TWIN_WITHIN,
        now + _TWIN_WITHIN,
        columns["description"],
    )
    complaints = await fetch.fetch(context, Select(Complaint, where, order="opened_at, id"))
    if not complaints:
        return None
    respondent = _normal_respondent(*(columns[f"respondent_{name}"] for name in ("email", "member_id", "url")))
    twins = (
        complaint.id
        for complaint in complaints
        if respondent
        == _normal_respondent(complaint.respondent_email, complaint.respondent_member_id, complaint.respondent_url)
    )
    return next(twins, None)


def _normal_respondent(email: str | None, member_id: str | None, url: str | None) -> tuple[str | None, ...]:
    """Returns what names a respondent, in the forms in which they are compared."""
    return email and normal_email(email), member_id, url and normal_page(url)


async def withdraw_complaint(info: Info, input: WithdrawComplaint) -> ComplaintPayload:
    async def handler(unit: UnitOfWork) -> None:
        update_complaint(unit, effects.close_complaint(unit.now, ComplaintStatus.WITHDRAWN))

    return await act(info, Action.WITHDRAW_COMPLAINT, COMPLAINT, input, handler)


def update_complaint(unit: UnitOfWork, effect: Effect, **columns: Any) -> None:
    """Sets the effect's facts of the subject and of its order, and columns of the subject."""
    update_case(unit, CaseKind.COMPLAINT, unit.subject.id, effect, **columns)
