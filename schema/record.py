import strawberry

from execution.sizes import AS_ASKED
from resolvers.orders import record
from resolvers.orders.record import OrderItemInput, OrderRecord, PartyInput, RecordOrders
from schema.decision import UserError
from schema.declare import input_type, resolved
from schema.lazy import OrderReference

input_type(
    PartyInput,
    "A buyer or a supplier.",
    subject="The account's `sub` in its access token, sign for sign; buyer and supplier have different ones.",
    name="The name to show, in one line, until the account's own token says another.",
)
input_type(
    OrderItemInput,
    "A line of an order.",
    title="What was ordered, up to 500 characters.",
    quantity="How many.",
    unit_price="The price of one, in the currency of the total. It may be finer than the currency, with up to 10 "
    "decimals, and below 0 for a discount.",
)
input_type(
    OrderRecord,
    "All that the order system knows of an order at an instant. A newer record replaces an older one, nulls included.",
    number="The number that buyer and supplier know it by, up to 64 characters in one line. Spaces around it do not "
    "count. Never used for another order.",
    kind="How it is paid. Never changes.",
    buyer="Who ordered. Never changes.",
    supplier="Who delivers. Never changes.",
    total="What it costs in all; 0 for a sample.",
    amount_paid="What has been paid, which may be more than the total; 0 where paidAt is not set. Left out it is the "
    "total when paid, else 0.",
    items="What was ordered: 1 to 100 lines.",
    placed_at="When it was placed. The instants below lie at most 5 minutes before it, by which clocks may differ.",
    payment_submitted_at="When a payment was submitted that may still be on its way.",
    paid_at="When the payment was received.",
    shipped_at="When it was shipped.",
    completed_at="When it was completed.",
    cancelled_at="When it was cancelled in the order system. Null never takes back a cancellation made here.",
    recorded_at="When the order system knew all this, to the nanosecond. An equal or older record than the last is "
    "ignored; one that is more than one day in the future is refused.",
)
input_type(
    RecordOrders,
    "Orders to take in: all or none, or with skipInvalid all that are valid.",
    orders="500 at most.",
    skip_invalid="Whether to take the valid records and skip the others. userErrors says what is wrong with those.",
)


@strawberry.type(description="What became of the records: all were taken or none; with skipInvalid, all valid ones.")
class RecordOrdersPayload:
    orders: list[OrderReference] | None = strawberry.field(
        metadata=AS_ASKED,
        description="The orders as they stand now, in the order of the input, without those that skipInvalid skipped; "
        "null when the records were refused.",
    )
    ignored: list[str] = strawberry.field(
        metadata=AS_ASKED,
        description="The numbers of the orders whose record was not newer than the last one taken; it changed nothing.",
    )
    user_errors: list[UserError] = strawberry.field(
        metadata=AS_ASKED, description="Everything that is wrong with the records."
    )


@strawberry.type
class RecordMutations:
    record_orders = resolved(
        record.record_orders,
        RecordOrdersPayload,
        "Takes in what the order system knows, by number. For the role SERVICE.",
        asks=("input", "orders"),
    )
