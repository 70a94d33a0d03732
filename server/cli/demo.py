"""The demonstration: a new database with an order in every state that the policy distinguishes.

The API itself makes it, with its clock moved into the past. Its ids are the same each time, so that examples can use
them.
"""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import click

import models
from execution.limits import Limits
from models import database, migrating
from models.config import APPS
from models.enums import OrderKind, Role
from models.files import Folder
from models.keys import derived_ids
from resolvers import ids
from resolvers.account import Account, sign_in
from resolvers.context import Context
from resolvers.feed.hub import Hub
from resolvers.signed_url import FileUrls
from schema import SCHEMA
from schema.scalars import spell_instant
from server import file_store
from server.auth.tokens import development_token
from server.cli.demo_files import BOX, INVOICE, PACKING_LIST, PHOTO, REPORT, demo_file
from server.settings import VAR, Mode, Settings

PREFIX = "demo-"
ACCOUNTS = {
    "demo-ana": (Role.BUYER, "Ana Ruiz"),
    "demo-ben": (Role.BUYER, "Ben Okafor"),
    "demo-lumen": (Role.SUPPLIER, "Lumen Lighting"),
    "demo-tessa": (Role.SUPPLIER, "Tessa Textiles"),
    "demo-agent": (Role.AGENT, "Case desk"),
    "demo-orders": (Role.SERVICE, "Order system"),
}
BUYER, OTHER_BUYER, SUPPLIER, OTHER_SUPPLIER, AGENT, SERVICE = ACCOUNTS

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SHIPS_WITHIN = 14 * DAY  # of its placement: the shipping date of every order that is paid online


@dataclass(frozen=True)
class StoryStep:
    """An event of the past: a fact that the order system recorded, or a mutation by an account."""

    ago: timedelta
    what: str
    by: str = SERVICE
    input: dict[str, Any] = field(default_factory=dict[str, Any])
    dated: timedelta | None = None  # how long ago the fact is dated, if not when it was recorded
    files: tuple[str, ...] = ()  # the names of files that are attached (`demo_files`)
    of: str | None = None  # the type of the case that a refund follows from


def _submitted(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "paymentSubmittedAt")


def _paid(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "paidAt")


def _shipped(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "shippedAt")


def _completed(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "completedAt")


def _cancelled(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "cancelledAt")


def _delivered(ago: timedelta) -> list[StoryStep]:
    """Returns the steps of an order that was completed `ago`."""
    arrived = StoryStep(ago + DAY, "deliveredAt")
    return [_paid(ago + 9 * DAY), _shipped(ago + 7 * DAY), arrived, _completed(ago)]


def _areas(stars: int) -> dict[str, Any]:
    return {"areas": {"productAsAgreed": stars, "communication": 5, "shippingTime": stars}}


def _overall(stars: int) -> dict[str, Any]:
    return {"overall": stars}


def _rated(ago: timedelta, ratings: dict[str, Any]) -> StoryStep:
    return StoryStep(ago, "leaveFeedback", BUYER, {"ratings": ratings, "comment": "Well packed, one lamp flickered."})


def _replied(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "replyToFeedback", SUPPLIER, {"text": "Thank you! A spare lamp is on its way."})


def _revised(ago: timedelta, ratings: dict[str, Any]) -> StoryStep:
    return StoryStep(ago, "reviseFeedback", BUYER, {"ratings": ratings, "comment": "The spare lamp came; all is well."})


def _requested(ago: timedelta) -> StoryStep:
    return StoryStep(
        ago, "requestCancellation", BUYER, {"reason": "NO_LONGER_NEEDED", "note": "The project was put off."}
    )


def _disputed(ago: timedelta, wanted: str = "PARTIAL_REFUND") -> StoryStep:
    claim = {"claim": {"amount": "120.00", "currencyCode": "USD"}} if wanted != "REPLACEMENT" else {}
    text = "Twelve of the lamps do not light up."
    return StoryStep(ago, "openDispute", BUYER, {"reason": "DEFECTIVE", "description": text, "wanted": wanted} | claim)


def _offered(ago: timedelta, by: str = SUPPLIER) -> StoryStep:
    amount = {"amount": "60.00", "currencyCode": "USD"}
    return StoryStep(ago, "proposeResolution", by, {"resolution": "PARTIAL_REFUND", "amount": amount})


def _rejected(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "rejectProposal", BUYER, {"note": "Too little."})


def _reviewed(ago: timedelta) -> list[StoryStep]:
    """Returns the steps of an order that was disputed `ago` and escalated as soon as possible."""
    return [
        _paid(ago + DAY),
        _disputed(ago),
        StoryStep(ago - 3 * DAY, "escalateDispute", BUYER, {"note": "No answer."}),
    ]


def _evidence(ago: timedelta, party: str) -> StoryStep:
    return StoryStep(ago, "requestEvidence", AGENT, {"party": party, "text": "Please describe what is broken."})


def _decided(ago: timedelta, amount: str = "100.00") -> StoryStep:
    decision = {"resolution": "PARTIAL_REFUND", "amount": {"amount": amount, "currencyCode": "USD"}}
    return StoryStep(ago, "resolveDispute", AGENT, decision | {"note": "Ten of the twelve are broken."})


def _appealed(ago: timedelta) -> StoryStep:
    text = {"text": "All twelve are broken, as the test report says."}
    return StoryStep(ago, "appealDecision", BUYER, text, files=(REPORT,))


def _refunded(
    ago: timedelta, status: str, amount: str = "1200.00", of: str | None = "Cancellation", attempt: int = 1
) -> StoryStep:
    """Tells about a refund that the order's case of this type owes, or about one of the order system's own."""
    told = {"amount": {"amount": amount, "currencyCode": "USD"}, "status": status, "reference": f"payout {attempt}"}
    return StoryStep(ago, "recordRefunds", SERVICE, told, of=of)


def _to_return(ago: timedelta) -> list[StoryStep]:
    """Returns the steps of an order whose supplier agreed `ago` to take the goods back."""
    return [
        _paid(ago + 9 * DAY),
        _shipped(ago + 7 * DAY),
        _disputed(ago + DAY, "RETURN_AND_REFUND"),
        StoryStep(ago, "acceptProposal", SUPPLIER),
    ]


def _addressed(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "provideReturnAddress", SUPPLIER, {"address": "Lumen Lighting, Returns\nHall 3, Port Road 1"})


def _sent_back(ago: timedelta) -> StoryStep:
    parcel = {"carrier": "Parcel Post", "trackingNumber": "PP 4711 0815"}
    return StoryStep(ago, "confirmReturnShipped", BUYER, parcel)


def _came_back(ago: timedelta) -> StoryStep:
    return StoryStep(ago, "confirmReturnReceived", SUPPLIER)


_TA, _SP, _OFF = OrderKind.TRADE_ASSURANCE, OrderKind.SECURE_PAYMENT, OrderKind.OFFLINE
_ORDER_STORIES: list[tuple[OrderKind, str, list[StoryStep]]] = [
    (_TA, "awaiting payment", []),
    (_TA, "payment being processed", [_submitted(2 * HOUR)]),
    (_TA, "paid", [_submitted(3 * DAY), _paid(2 * DAY)]),
    (_TA, "shipped but unpaid", [_shipped(DAY)]),
    (_TA, "shipped", [_paid(4 * DAY), _shipped(DAY)]),
    (_TA, "completion dated tomorrow", [_paid(4 * DAY), StoryStep(HOUR, "completedAt", dated=-DAY)]),
    (_TA, "cancelled by the buyer", [
        StoryStep(DAY, "cancelOrder", BUYER, {"reason": "FOUND_BETTER_PRICE"})]),
    (_TA, "cancelled by the order system after payment", [_paid(3 * DAY), StoryStep(DAY, "cancelledAt")]),
    (_TA, "feedback just open", _delivered(MINUTE)),
    (_TA, "feedback closes in an hour", _delivered(60 * DAY - HOUR)),
    (_TA, "feedback closed a minute ago", _delivered(60 * DAY + MINUTE)),
    (_TA, "feedback left, no reply yet", [*_delivered(20 * DAY), _rated(DAY, _overall(3))]),
    (_TA, "revision just open", [*_delivered(20 * DAY), _rated(2 * DAY, _overall(3)), _replied(MINUTE)]),
    (_TA, "revision closes in an hour", [
        *_delivered(80 * DAY), _rated(40 * DAY, _overall(2)), _replied(30 * DAY - HOUR)]),
    (_TA, "revision closed a minute ago", [
        *_delivered(80 * DAY), _rated(40 * DAY, _overall(2)), _replied(30 * DAY + MINUTE)]),
    (_TA, "revised", [
        *_delivered(30 * DAY), _rated(9 * DAY, _overall(3)), _replied(5 * DAY), _revised(DAY, _overall(5))]),
    (_TA, "dispute waiting for the supplier", [_paid(9 * DAY), _shipped(8 * DAY), _disputed(DAY)]),
    (_TA, "dispute waiting for the buyer", [_paid(9 * DAY), _disputed(4 * DAY), _offered(2 * DAY)]),
    (_TA, "dispute's proposal rejected", [
        _paid(9 * DAY), _disputed(4 * DAY), _offered(2 * DAY),
        _rejected(DAY)]),
    (_TA, "dispute that can be escalated in an hour", [_paid(9 * DAY), _disputed(3 * DAY - HOUR)]),
    (_TA, "dispute settled", [
        _paid(9 * DAY), _disputed(4 * DAY), _offered(2 * DAY), StoryStep(DAY, "acceptProposal", BUYER)]),
    (_TA, "dispute escalated", [*_reviewed(6 * DAY)]),
    (_TA, "dispute waiting for the buyer's evidence", [*_reviewed(6 * DAY), _evidence(DAY, "BUYER")]),
    (_TA, "dispute lapses in an hour", [*_reviewed(9 * DAY), _evidence(5 * DAY - HOUR, "BUYER")]),
    (_TA, "dispute lapsed", [*_reviewed(9 * DAY), _evidence(5 * DAY + MINUTE, "BUYER")]),
    (_TA, "dispute waiting for the supplier's evidence", [*_reviewed(6 * DAY), _evidence(DAY, "SUPPLIER")]),
    (_TA, "dispute with evidence", [
        *_reviewed(6 * DAY), _evidence(3 * DAY, "SUPPLIER"),
        StoryStep(
            2 * DAY, "postDisputeMessage", BUYER, {"text": "Twelve arrived like this one."}, files=(PHOTO,)),
        StoryStep(
            DAY, "postDisputeMessage", SUPPLIER, {"text": "This is what we packed and billed."},
            files=(PACKING_LIST, INVOICE))]),
    (_TA, "dispute resolved", [
        *_reviewed(6 * DAY),
        StoryStep(DAY, "resolveDispute", AGENT, {
            "resolution": "PARTIAL_REFUND", "amount": {"amount": "100.00", "currencyCode": "USD"},
            "note": "Ten of the twelve are broken."})]),
    (_TA, "dispute goes to review in an hour", [_paid(19 * DAY), _disputed(7 * DAY - HOUR)]),
    (_TA, "dispute under review", [*_delivered(12 * DAY), _disputed(7 * DAY + MINUTE)]),
    (_TA, "dispute withdrawn", [
        *_delivered(12 * DAY), _disputed(3 * DAY, "REPLACEMENT"), StoryStep(DAY, "withdrawDispute", BUYER)]),
    (_SP, "awaiting payment", []),
    (_SP, "payment being processed", [_submitted(HOUR)]),
    (_SP, "paid", [_paid(DAY)]),
    (_SP, "cancellation requested", [_paid(3 * DAY), _requested(DAY)]),
    (_SP, "cancellation declined", [
        _paid(5 * DAY), _requested(3 * DAY),
        StoryStep(DAY, "declineCancellation", SUPPLIER, {"note": "It is packed and leaves tonight."})]),
    (_SP, "cancellation withdrawn", [
        _paid(5 * DAY), _requested(3 * DAY), StoryStep(DAY, "withdrawCancellation", BUYER)]),
    (_SP, "cancellation accepted", [
        _paid(5 * DAY), _requested(3 * DAY), StoryStep(DAY, "acceptCancellation", SUPPLIER)]),
    (_SP, "cancellation superseded by the shipment", [_paid(5 * DAY), _requested(3 * DAY), _shipped(DAY)]),
    (_SP, "shipped", [_paid(5 * DAY), _shipped(3 * DAY)]),
    (_SP, "dispute waiting for the supplier", [_paid(9 * DAY), _shipped(8 * DAY), _disputed(2 * DAY)]),
    (_SP, "feedback just open", _delivered(MINUTE)),
    (_SP, "feedback closes in an hour", _delivered(30 * DAY - HOUR)),
    (_SP, "feedback closed a minute ago", _delivered(30 * DAY + MINUTE)),
    (_SP, "feedback left, no reply yet", [*_delivered(9 * DAY), _rated(DAY, _areas(3))]),
    (_SP, "revision closes in an hour", [
        *_delivered(120 * DAY), _rated(95 * DAY, _areas(2)), _replied(90 * DAY - HOUR)]),
    (_SP, "revision closed a minute ago", [
        *_delivered(120 * DAY), _rated(95 * DAY, _areas(2)), _replied(90 * DAY + MINUTE)]),
    (_SP, "revised", [
        *_delivered(60 * DAY), _rated(50 * DAY, _areas(2)), _replied(30 * DAY), _revised(9 * DAY, _areas(4))]),
    (_OFF, "offline trade", [_paid(9 * DAY), _shipped(5 * DAY)]),
    (_OFF, "complaint filed", [_paid(9 * DAY), StoryStep(DAY, "fileComplaint", BUYER)]),
    (_OFF, "complaint taken up", [
        _paid(9 * DAY), StoryStep(2 * DAY, "fileComplaint", BUYER), StoryStep(DAY, "takeUpComplaint", AGENT)]),
    (_OFF, "complaint waiting for the complainant", [
        _paid(9 * DAY), StoryStep(2 * DAY, "fileComplaint", BUYER),
        StoryStep(DAY, "postComplaintMessage", AGENT, {"text": "Do you have the wire's receipt?"})]),
    (_OFF, "complaint resolved", [
        _paid(9 * DAY), StoryStep(4 * DAY, "fileComplaint", BUYER),
        StoryStep(DAY, "resolveComplaint", AGENT, {
            "resolution": "REFUND", "amount": {"amount": "900.00", "currencyCode": "USD"}, "note": "They pay back."})]),
    (_OFF, "complaint rejected", [
        _paid(9 * DAY), StoryStep(4 * DAY, "fileComplaint", BUYER),
        StoryStep(DAY, "rejectComplaint", AGENT, {"note": "The goods were signed for."})]),
    (_OFF, "complaint withdrawn", [
        _paid(9 * DAY), StoryStep(4 * DAY, "fileComplaint", BUYER), StoryStep(DAY, "withdrawComplaint", BUYER)]),
    (_OFF, "complaint's reply overdue", [_paid(19 * DAY), StoryStep(5 * DAY + MINUTE, "fileComplaint", BUYER)]),
    (_SP, "shipping date missed", [_paid(20 * DAY)]),
    (_SP, "shipping date in an hour", [_paid(SHIPS_WITHIN - 3 * HOUR)]),
    (_SP, "cancellation unanswered", [_paid(9 * DAY), _requested(5 * DAY + MINUTE)]),
    (_SP, "cancellation unanswered in an hour", [_paid(9 * DAY), _requested(5 * DAY - HOUR)]),
    (_SP, "paid and cancelled; refund due", [_paid(9 * DAY), _cancelled(DAY)]),
    (_TA, "refund overdue in an hour", [_paid(14 * DAY), _cancelled(10 * DAY - HOUR)]),
    (_TA, "refund overdue", [_paid(14 * DAY), _cancelled(11 * DAY)]),
    (_TA, "refund reported as missing", [
        _paid(14 * DAY), _cancelled(12 * DAY), StoryStep(DAY, "reportMissingRefund", BUYER)]),
    (_TA, "refund reported long ago", [
        _paid(29 * DAY), _cancelled(25 * DAY), StoryStep(11 * DAY, "reportMissingRefund", BUYER)]),
    (_TA, "dispute about a refund that did not arrive", [
        _paid(29 * DAY), _cancelled(25 * DAY), StoryStep(DAY, "openDispute", BUYER, {
            "reason": "REFUND_NOT_RECEIVED", "description": "Nothing has arrived at our bank.", "wanted": "REFUND",
            "claim": {"amount": "1200.00", "currencyCode": "USD"}})]),
    (_TA, "refund sent", [_paid(6 * DAY), _cancelled(4 * DAY), _refunded(2 * DAY, "SENT")]),
    (_TA, "refund arrived", [
        _paid(6 * DAY), _cancelled(4 * DAY), _refunded(3 * DAY, "SENT"), _refunded(DAY, "SUCCEEDED")]),
    (_TA, "refund failed", [
        _paid(6 * DAY), _cancelled(4 * DAY), _refunded(3 * DAY, "SENT"), _refunded(DAY, "FAILED")]),
    (_TA, "refund failed, another arrived", [
        _paid(9 * DAY), _cancelled(7 * DAY), _refunded(5 * DAY, "SENT"), _refunded(3 * DAY, "FAILED"),
        _refunded(DAY, "SUCCEEDED", attempt=2)]),
    (_TA, "refund arrived in part", [_paid(6 * DAY), _cancelled(4 * DAY), _refunded(DAY, "SUCCEEDED", "700.00")]),
    (_TA, "refund by the order system itself", [
        _paid(9 * DAY), _shipped(7 * DAY), _refunded(DAY, "SUCCEEDED", "25.00", of=None)]),
    (_TA, "dispute about some of its lines", [
        *_delivered(5 * DAY), StoryStep(DAY, "openDispute", BUYER, {
            "reason": "MISSING_PARTS", "description": "Three came without their bulbs.", "wanted": "PARTIAL_REFUND",
            "claim": {"amount": "36.00", "currencyCode": "USD"}, "lines": [{"quantity": 3}]})]),  # of the first line
    (_TA, "dispute's claim revised", [
        _paid(9 * DAY), _shipped(7 * DAY), _disputed(2 * DAY), StoryStep(DAY, "reviseClaim", BUYER, {
            "wanted": "REFUND", "claim": {"amount": "240.00", "currencyCode": "USD"},
            "note": "Twelve more do not light up."})]),
    (_TA, "dispute conceded", [
        _paid(9 * DAY), _shipped(7 * DAY), _disputed(3 * DAY), StoryStep(DAY, "concedeDispute", SUPPLIER)]),
    (_TA, "dispute goes to review 30 days after its opening, in an hour", [
        _paid(35 * DAY), _disputed(30 * DAY - HOUR), _offered(25 * DAY), _rejected(19 * DAY), _offered(14 * DAY),
        _rejected(8 * DAY), _offered(2 * DAY)]),
    (_TA, "decision can be appealed for an hour", [*_reviewed(36 * DAY), _decided(30 * DAY - HOUR)]),
    (_TA, "decision final", [*_reviewed(36 * DAY), _decided(30 * DAY + MINUTE)]),
    (_TA, "decision appealed, its refund void", [*_reviewed(9 * DAY), _decided(3 * DAY), _appealed(DAY)]),
    (_TA, "decided again after an appeal", [
        *_reviewed(9 * DAY), _decided(5 * DAY), _appealed(3 * DAY), _decided(DAY, "120.00")]),
    (_TA, "decision paid out", [
        *_reviewed(9 * DAY), _decided(3 * DAY), _refunded(DAY, "SUCCEEDED", "100.00", of="Dispute")]),
    (_TA, "return waiting for an address", _to_return(DAY)),
    (_TA, "return waived in an hour", _to_return(5 * DAY - HOUR)),
    (_TA, "return waived; refund due", _to_return(5 * DAY + MINUTE)),
    (_TA, "return waiting for the buyer", [*_to_return(3 * DAY), _addressed(DAY)]),
    (_TA, "return expired", [*_to_return(14 * DAY), _addressed(10 * DAY + MINUTE)]),
    (_TA, "return on its way", [*_to_return(5 * DAY), _addressed(3 * DAY), _sent_back(DAY)]),
    (_TA, "return received; refund due", [
        *_to_return(7 * DAY), _addressed(5 * DAY), _sent_back(3 * DAY), _came_back(DAY)]),
    (_TA, "return counts as received", [*_to_return(26 * DAY), _addressed(23 * DAY), _sent_back(20 * DAY + MINUTE)]),
    (_TA, "return refused, decided anew", [
        *_to_return(7 * DAY), _addressed(5 * DAY), _sent_back(3 * DAY), StoryStep(DAY, "refuseReturn", SUPPLIER, {
            "note": "The box holds other lamps than ours."}, files=(BOX,))]),
    (_TA, "dispute about goods to send back, with an agent", [
        *_delivered(12 * DAY), _disputed(6 * DAY, "RETURN_AND_REFUND"),
        StoryStep(DAY, "escalateDispute", BUYER, {"note": "No answer."})]),
    (_TA, "replacement agreed", [
        *_delivered(12 * DAY), _disputed(6 * DAY, "REPLACEMENT"), StoryStep(DAY, "acceptProposal", SUPPLIER)]),
    (_TA, "replacement missed", [
        *_delivered(40 * DAY), _disputed(36 * DAY, "REPLACEMENT"), StoryStep(31 * DAY, "acceptProposal", SUPPLIER)]),
    (_SP, "reply to feedback closed", [*_delivered(40 * DAY), _rated(30 * DAY + MINUTE, _areas(3))]),
]  # fmt: skip

_COMPLAINT = {
    "kind": "GOODS_NOT_RECEIVED",
    "description": "Paid by wire in spring; nothing came, and nobody answers.",
    "contact": {"email": "ana@buyers.example", "phone": "+34 600 000 000"},
}


_CASES: dict[str, Any] = {
    "Cancellation": models.Cancellation,
    "Dispute": models.Dispute,
    "Complaint": models.Complaint,
}
# The type of the case that each mutation works on, by its input's caseId.
_CASE_OF = {
    "proposeResolution": "Dispute",
    "acceptProposal": "Dispute",
    "rejectProposal": "Dispute",
    "concedeDispute": "Dispute",
    "reviseClaim": "Dispute",
    "appealDecision": "Dispute",
    "provideReturnAddress": "Dispute",
    "confirmReturnShipped": "Dispute",
    "confirmReturnReceived": "Dispute",
    "refuseReturn": "Dispute",
    "postDisputeMessage": "Dispute",
    "escalateDispute": "Dispute",
    "withdrawDispute": "Dispute",
    "requestEvidence": "Dispute",
    "resolveDispute": "Dispute",
    "postComplaintMessage": "Complaint",
    "withdrawComplaint": "Complaint",
    "takeUpComplaint": "Complaint",
    "resolveComplaint": "Complaint",
    "rejectComplaint": "Complaint",
}


def settings(configured: Settings) -> Settings:
    """Returns the settings, with a new SQLite database where none is configured. Raises ClickException."""
    if configured.mode is Mode.PRODUCTION:
        raise click.ClickException("The demonstration runs in development mode only.")
    if configured.database_url:
        return configured
    for leftover in VAR.glob("demo.db*"):
        leftover.unlink()
    return configured.model_copy(update={"database_url": f"sqlite://{VAR / 'demo.db'}"})


async def fill_database(settings: Settings) -> None:
    """Fills the database. Raises ClickException where it holds anything that is not of a demonstration."""
    async with database.connected(settings.database) as connection:
        await migrating.migrate(APPS, connection)
        files = file_store.file_urls(settings)
        await files.load()
        await _clear(files)
        await _Story(datetime.now(UTC), files, settings.limits).play()


async def _clear(files: FileUrls) -> None:
    if await models.Account.all().exclude(subject__startswith=PREFIX).exists():
        raise click.ClickException("This database holds more than a demonstration. Use an empty one.")
    await files.store.remove(await models.Attachment.all().values_list("id", flat=True))  # type: ignore[arg-type]
    for model in (
        models.Event,
        models.Attachment,
        models.Message,
        models.Proposal,
        models.Feedback,
        models.Refund,
        models.Cancellation,
        models.Reopening,
        models.Dispute,
        models.Complaint,
        models.Order,
        models.IdempotencyKey,
        models.Account,
    ):
        await model.all().delete()


class _Story:
    def __init__(self, now: datetime, files: FileUrls, limits: Limits) -> None:
        self.now = now
        self.files = files
        self.limits = limits
        self.hub = Hub()
        self.accounts: dict[str, Account] = {}

    async def play(self) -> None:
        for subject, (role, name) in ACCOUNTS.items():
            with derived_ids(subject):
                self.accounts[subject] = await sign_in(subject, role, name)
        for index, (kind, state, steps) in enumerate(_ORDER_STORIES):
            await self._order(f"DEMO-{1001 + index}", kind, f"Desk lamps ({state})", steps)
        await self._order("DEMO-2001", _TA, "Linen, 40 m", [_paid(DAY)], OTHER_BUYER, OTHER_SUPPLIER)
        await self._order("DEMO-2002", _SP, "Linen, 90 m", _delivered(3 * DAY), OTHER_BUYER, SUPPLIER)
        await self._order("DEMO-2003", _SP, "Wool, 10 m", [_shipped(DAY)], BUYER, OTHER_SUPPLIER)
        with derived_ids("cn-lamps-88"):
            await self._do(2 * DAY, BUYER, "fileComplaint", _COMPLAINT | {"respondent": {"memberId": "cn-lamps-88"}})

    async def _order(
        self,
        number: str,
        kind: OrderKind,
        title: str,
        steps: list[StoryStep],
        buyer: str = BUYER,
        supplier: str = SUPPLIER,
    ) -> None:
        if steps != sorted(steps, key=lambda step: step.ago, reverse=True):
            raise ValueError(f"the steps of {title} are not in chronological order")
        placed = max((step.ago for step in steps), default=DAY) + 2 * HOUR
        usd = {"currencyCode": "USD"}
        item = {"title": title, "quantity": 100, "unitPrice": {"amount": "12.00"} | usd}
        record: dict[str, Any] = {
            "number": number,
            "kind": kind,
            "buyer": {"subject": buyer, "name": ACCOUNTS[buyer][1]},
            "supplier": {"subject": supplier, "name": ACCOUNTS[supplier][1]},
            "total": {"amount": "1200.00"} | usd,
            "items": [item | {"sku": "DL-40", "imageUrl": "https://example.com/pictures/desk-lamp.jpg"}],
        }
        if kind is not _OFF:
            record["shipBy"] = spell_instant(self.now - placed + SHIPS_WITHIN)
        with derived_ids(number):
            await self._play_steps(record, placed, steps)

    async def _play_steps(self, record: dict[str, Any], placed: timedelta, steps: list[StoryStep]) -> None:
        await self._record(record, placed, "placedAt", placed)
        [order] = await models.Order.filter(number=record["number"])
        for step in steps:
            input: dict[str, Any]
            if step.what == "recordRefunds":
                await self._do(step.ago, SERVICE, step.what, {"refunds": [await self._refund(order, step)]})
            elif step.by == SERVICE:
                await self._record(record, step.ago, step.what, step.ago if step.dated is None else step.dated)
            elif (case_type := _CASE_OF.get(step.what)) is not None:
                [case] = await _CASES[case_type].filter(order_id=order.id)
                attached = {"attachments": [await self._upload(step.by, name) for name in step.files]}
                input = {"caseId": ids.encode(case_type, case.id)} | step.input | (attached if step.files else {})
                await self._do(step.ago, step.by, step.what, input)
            else:
                base = _COMPLAINT if step.what == "fileComplaint" else {}
                input = base | step.input | {"orderId": ids.encode("Order", order.id)}
                if "lines" in input:
                    first = {"itemId": ids.encode_line(order.id, 0)}
                    input["lines"] = [first | line for line in input["lines"]]
                await self._do(step.ago, step.by, step.what, input)

    async def _refund(self, order: models.Order, step: StoryStep) -> dict[str, Any]:
        """Returns the record of a refund of the order."""
        record = {"orderNumber": order.number, "recordedAt": spell_instant(self.now - step.ago)} | step.input
        record["reference"] = f"{order.number} {record['reference']}"
        if step.of is not None:
            [case] = await _CASES[step.of].filter(order_id=order.id)
            record["caseNumber"] = case.number
        return record

    async def _record(self, record: dict[str, Any], ago: timedelta, what: str, dated: timedelta) -> None:
        record |= {what: spell_instant(self.now - dated), "recordedAt": spell_instant(self.now - ago)}
        await self._do(ago, SERVICE, "recordOrders", {"orders": [record]})

    async def _upload(self, by: str, filename: str) -> str:
        """Uploads a file and returns the upload's id."""
        store = self.files.store
        if not isinstance(store, Folder):
            raise click.ClickException("A demonstration stores files in a folder. Do not set RECOURSE_FILES_URL.")
        kind, content = demo_file(filename)

        async def chunks() -> AsyncGenerator[bytes]:
            yield content

        upload = models.Attachment(
            by_id=self.accounts[by].id,
            filename=filename,
            content_type=kind,
            size=len(content),
            created_at=self.now,
        )
        await upload.save()
        await store.remove([upload.id])  # left by a demonstration on another database
        await store.put(upload.id, chunks(), len(content), lambda _: None)
        return ids.encode("Upload", upload.id)

    async def _do(self, ago: timedelta, by: str, mutation: str, input: dict[str, Any]) -> None:
        name = mutation[0].upper() + mutation[1:]
        document = (
            f"mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ userErrors {{ message field }} }} }}"
        )
        context = Context(self.accounts[by], self.now - ago, self.now, self.files, self.hub, self.limits)
        result = await SCHEMA.execute(document, {"input": input}, context)
        if result.errors or result.data is None or result.data[mutation]["userErrors"]:
            raise RuntimeError(f"{mutation} {ago} ago: {result.errors or result.data}")


_QUERY = (
    "{ viewer { orders(first: 100) { edges { node {"
    " number kind status items { title } dispute { status returnShipment { status } } refunds { status isOverdue }"
    " availableActions { action label closesAt } nextChangeAt } } } } }"
)


def introduction(port: int) -> str:
    """Returns the address, the tokens and a query to try."""
    address = f"http://127.0.0.1:{port}/graphql"
    tokens = {subject: development_token(subject, role, name) for subject, (role, name) in ACCOUNTS.items()}
    body = json.dumps({"query": _QUERY})
    lines = [f"Recourse is served at {address} with a new demonstration database. Tokens:", ""]
    for subject, (role, name) in ACCOUNTS.items():
        lines += [f"{name} ({role.lower()}, {subject})", f"  {tokens[subject]}", ""]
    lines += [
        f"{ACCOUNTS[BUYER][1]}'s orders, with what can be done on each:",
        "",
        f"curl -s {address} -H 'Content-Type: application/json' -H 'Authorization: Bearer {tokens[BUYER]}' -d '{body}'",
        "",
        "Add -H 'X-Recourse-Now: 2030-01-01T00:00:00Z' to ask as of another instant. Press Ctrl-C to stop.",
    ]
    return "\n".join(lines)
