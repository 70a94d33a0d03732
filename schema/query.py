from datetime import datetime

import strawberry

from resolvers import changes, rules
from resolvers import node as by_id
from resolvers.context import Info
from resolvers.policy import TABLE
from resolvers.viewer import Viewer as ViewerRow
from schema.case import Case
from schema.declare import resolved
from schema.node import Node
from schema.order import Order
from schema.rules import Rule
from schema.timeline import TimelineConnection
from schema.viewer import Viewer


@strawberry.type(description="Reading. What is somebody else's reads as absent, everywhere.")
class Query:
    node = resolved(
        by_id.node, Node | None, "Anything by its id. Null for what is not there for the viewer.", id="The id."
    )
    nodes = resolved(by_id.nodes, list[Node | None], "Things by their ids, in that order.", ids="The ids; 100 at most.")
    order = resolved(
        by_id.order_by_number,
        Order | None,
        "An order by the number that people know it by.",
        number="The order system's number; upper and lower case differ. Spaces around it are ignored.",
    )
    case_by_number = resolved(
        by_id.case_by_number,
        Case | None,
        "A case by the number that people know it by.",
        number="Like D-2026-000123: K for cancellations, D for disputes, C for complaints. Upper and lower case, and "
        "full-width letters, are alike.",
    )
    rules = resolved(
        rules.rules,
        list[Rule],
        "The policy table itself, or its lines for an action or a kind: for help pages and support.",
        size=len(TABLE),
        action="Only the lines for this action.",
        kind="Only the lines for this kind of order.",
    )

    changes = resolved(
        changes.changes,
        TimelineConnection,
        "For SERVICE and AGENT: everything that has happened and that the viewer may see, in one sequence; the order "
        "system sees what concerns the orders that it recorded, but for complaints. Read page by page, always from the "
        "last cursor, nothing comes twice and nothing is left out; a cursor stays good for ever. What time alone has "
        "done is there once it is written down, with the next thing that happens.",
        after="Only what comes after this cursor. Keep it, also where a page is empty.",
    )

    @strawberry.field(graphql_type=Viewer, description="Everything that is the viewer's.")
    def viewer(self, info: Info) -> ViewerRow:
        return ViewerRow(info.context.viewer)

    @strawberry.field(description="The instant at which this request is answered, by which every field decides.")
    def server_time(self, info: Info) -> datetime:
        return info.context.now
