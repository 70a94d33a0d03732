"""The root types: Query, Mutation and Subscription."""

from datetime import datetime
from typing import Any

import strawberry

from resolvers import changes, labels, rules, subscriptions
from resolvers import node as by_id
from resolvers.context import Info
from resolvers.language import LANGUAGES
from resolvers.names import NAMED
from resolvers.policy import TABLE
from resolvers.read.pagination import MAX_PAGE_SIZE
from resolvers.viewer import Viewer as ViewerRow
from schema.cancellation import CancellationMutations
from schema.case import Case
from schema.complaint import ComplaintMutations
from schema.declare import resolved
from schema.dispute import DisputeMutations
from schema.feedback import FeedbackMutations
from schema.files import UploadMutations
from schema.labels import EnumLabels, Language
from schema.node import Node
from schema.order import Order, RecordMutations
from schema.policy import Rule
from schema.refund import RefundMutations
from schema.timeline import TimelineConnection
from schema.viewer import CalendarMutations, Viewer


@strawberry.type(description="Read data. An object that the viewer may not see is treated as if it did not exist.")
class Query:
    node = resolved(
        by_id.node,
        Node | None,
        "The object with this id. Null if it does not exist for the viewer.",
        id="The id.",
    )
    nodes = resolved(
        by_id.nodes,
        list[Node | None],
        "The objects with these ids, in the same order. Null for an id that does not exist for the viewer.",
        ids=f"The ids, at most {MAX_PAGE_SIZE}.",
    )
    order = resolved(
        by_id.order_by_number,
        Order | None,
        "The order with this number. Null if it does not exist for the viewer.",
        number="The order system's number. It is case-sensitive; spaces around it are ignored.",
    )
    case_by_number = resolved(
        by_id.case_by_number,
        Case | None,
        "The case with this number. Null if it does not exist for the viewer.",
        number="Like D-2026-000123: K for cancellations, D for disputes, C for complaints. It is not case-sensitive; "
        "full-width letters are accepted.",
    )
    rules = resolved(
        rules.rules,
        list[Rule],
        "The policy table, or its rows for an action or a kind of order: for help pages and support.",
        size=len(TABLE),
        action="Only the rules for this action.",
        kind="Only the rules for this kind of order.",
    )

    languages = resolved(
        labels.languages,
        list[Language],
        "The languages that the server speaks. Accept-Language chooses one, Content-Language says which it is.",
        size=len(LANGUAGES),
    )
    enum_labels = resolved(
        labels.enum_labels,
        list[EnumLabels],
        "The names of the values of these enums for people, in the language of the request. An unknown enum has none.",
        size=len(NAMED),
        enums="The enums, like OrderStatus. Default: all that people see values of.",
    )
    changes = resolved(
        changes.changes,
        TimelineConnection,
        "For SERVICE and AGENT: everything that happened and that the viewer may see, in one sequence. The order "
        "system sees what concerns the orders that it recorded, except complaints. To read it without gaps and "
        "duplicates, always continue from the last cursor; a cursor never expires. A change that a time limit "
        "makes appears when it is recorded, together with the next change to the order.",
        after="Only entries after this cursor. Keep it, also if a page is empty.",
    )

    @strawberry.field(graphql_type=Viewer, description="Everything that belongs to the viewer.")
    def viewer(self, info: Info) -> ViewerRow:
        return ViewerRow(info.context.viewer)

    @strawberry.field(description="The instant at which this request is answered. All its fields use this instant.")
    def server_time(self, info: Info) -> datetime:
        return info.context.now


@strawberry.type(
    description="Write data. A refusal is data: userErrors says why, and nothing was done. Several mutations in one "
    "request run one after the other, and each succeeds or is refused on its own."
)
class Mutation(
    FeedbackMutations,
    CancellationMutations,
    DisputeMutations,
    RefundMutations,
    ComplaintMutations,
    UploadMutations,
    RecordMutations,
    CalendarMutations,
):
    pass


_VIEWER_CHANGED = (
    "Whatever of the viewer's changes: orders, feedback, cases and refunds, by themselves, by others or by time. One "
    "subscription keeps all lists of an app live. Each event shows one order or case as the viewer sees it now. Agents "
    "get what waits for agents, and what no longer does: complaints, disputes under review, their orders, and refunds "
    "that are reported as missing. The order system and agents are not told when the time for an appeal ends."
)
_INITIAL = "True to get how it stands now as the first event, so that nothing is missed after a reconnection."


@strawberry.type(description="Something of the viewer's that changed.")
class ViewerChange:
    order: Order | None = strawberry.field(
        description="The order that changed, or whose case changed. Null for a complaint about a trade that is not on "
        "record."
    )
    related_case: Case | None = strawberry.field(description="The case that changed. Null if no case did.")


@strawberry.type(
    description="Watch for changes. Each event shows the object as the viewer sees it after a committed change; the "
    "first event follows the first change after the subscription starts. If the object does not exist for the viewer, "
    "or no longer does, the stream ends with one error. A client that falls more than a hundred changes behind gets "
    "the latest hundred."
)
class Subscription:
    order_changed: Any = resolved(
        subscriptions.order_changed,
        Order,
        "The order after each change to it, its feedback or its cases, and when a window opens or closes.",
        watched=True,
        order_id="The order's id.",
        initial=_INITIAL,
    )
    case_changed: Any = resolved(
        subscriptions.case_changed,
        Case,
        "The case after each change to it, and when a time limit changes it.",
        watched=True,
        case_id="The case's id.",
        initial=_INITIAL,
    )
    viewer_changed: Any = resolved(
        subscriptions.viewer_changed,
        ViewerChange,
        _VIEWER_CHANGED,
        watched=True,
    )
