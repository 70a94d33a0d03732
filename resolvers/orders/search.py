"""Orders by a text that stands in them: looked for where the page is, or else by the terms that PostgreSQL has."""

from models import database
from models.backends.pool import PlanMode
from models.enums import PARTIES
from resolvers.context import Context
from resolvers.policy import Bind
from resolvers.read.pagination import Keyset, Page
from resolvers.read.scopes import scope
from resolvers.read.sql import Statement, Where

TERM = 3  # characters of the terms by which orders are found
NEAR = 2500  # orders that come next in the list: they mostly hold a page of 20 with a text that one in a hundred has
MAX_FOUND = 2000  # orders: beyond, one in fifty of a hundred thousand, walking the list for a page is less


def _following(context: Context, page: Page, keyset: Keyset, bind: Bind) -> str:
    return f"FROM orders WHERE {scope('orders', context, bind)} AND {keyset.where(page, bind)}"


def near(context: Context, text: str, others: Where, page: Page, keyset: Keyset) -> Where:
    """The condition that the text stands in an order for which the `others` hold, on PostgreSQL. It finds those alone
    that come next in the list: where they do not fill the page, there may be more behind them."""

    def where(bind: Bind) -> str:
        order = keyset.order(page)
        following = f"SELECT * {_following(context, page, keyset, bind)} ORDER BY {order} LIMIT {NEAR}"
        holding = f"strpos(search, {bind(text)}) > 0 AND {others(bind)}"
        keys = f"SELECT id FROM ({following}) AS following WHERE {holding} ORDER BY {order} LIMIT {page.size + 1}"
        return f"id = ANY(ARRAY({keys}))"

    return where


async def goes_on(context: Context, page: Page, keyset: Keyset) -> bool:
    """Whether orders come behind those that are near."""
    statement = Statement()
    following = _following(context, page, keyset, statement.bind)
    [[more]] = await statement.run(f"SELECT EXISTS (SELECT 1 {following} OFFSET {NEAR})")
    return more


async def found(context: Context, text: str) -> Where:
    """The condition that the text stands in an order: by the orders themselves, where they are few."""
    if database.dialect() != "postgres":
        return lambda bind: f"instr(search, {bind(text)}) > 0"
    terms = {text[place : place + TERM] for place in range(len(text) - TERM + 1)}
    party = context.viewer.id if context.viewer.role in PARTIES else None
    if terms or party:
        asked = [text, sorted(terms), party, MAX_FOUND + 1]
        keys = await database.select("SELECT orders_holding($1, $2, $3, $4)", asked, PlanMode.CUSTOM)
        few = [key for (key,) in keys]
        if len(few) <= MAX_FOUND:
            return lambda bind: f"id = ANY({bind(few)}) AND strpos(search, {bind(text)}) > 0"
    # So many that a page of them is found soon, going through all.
    return lambda bind: f"strpos(search, {bind(text)}) > 0"
