"""Search: orders that contain a text. It looks where the page is, and then in PostgreSQL's index of terms."""

from models import database
from models.backends.pool import PlanMode
from models.enums import PARTIES
from resolvers.context import Context
from resolvers.read.pagination import Keyset, Page
from resolvers.read.scopes import visible_rows
from resolvers.read.sql import Statement, Where

TERM = 3  # characters in a term of the index
NEAR = 2500  # orders that follow in the list: usually they fill a page of 20 with a text that one order in 100 has
MAX_FOUND = 2000  # orders: with more, one in fifty of 100,000, walking the list for a page costs less


def _following(context: Context, page: Page, keyset: Keyset) -> Where:
    return visible_rows("orders", context.viewer) & keyset.where(page)


def near(context: Context, text: str, conditions: Where, page: Page, keyset: Keyset) -> Where:
    """Returns the condition that an order has the text and fulfils `conditions`, on PostgreSQL. It finds only orders
    that follow closely in the list. If they do not fill the page, there may be more behind them."""
    following, order = _following(context, page, keyset), keyset.order(page)
    rows = f"SELECT * FROM orders WHERE {following.text} ORDER BY {order} LIMIT {NEAR}"
    keys = (
        f"SELECT id FROM ({rows}) AS following WHERE strpos(search, {{}}) > 0 AND ({conditions.text}) ORDER BY {order}"
    )
    return Where(f"id = ANY(ARRAY({keys} LIMIT {page.size + 1}))", *following.values, text, *conditions.values)


async def continues(context: Context, page: Page, keyset: Keyset) -> bool:
    """Returns whether the list has more orders behind those that `near` reads."""
    statement = Statement()
    following = statement.condition(_following(context, page, keyset))
    [[more]] = await statement.run(f"SELECT EXISTS (SELECT 1 FROM orders WHERE {following} OFFSET {NEAR})")
    return more


async def holding(context: Context, text: str) -> Where:
    """Returns the condition that an order has the text: by the orders' ids if they are few."""
    if database.dialect() != "postgres":
        return Where("instr(search, {}) > 0", text)
    terms = {text[start : start + TERM] for start in range(len(text) - TERM + 1)}
    party = context.viewer.id if context.viewer.role in PARTIES else None
    if terms or party:
        arguments = [text, sorted(terms), party, MAX_FOUND + 1]
        rows = await database.select("SELECT orders_holding($1, $2, $3, $4)", arguments, PlanMode.CUSTOM)
        keys = [key for (key,) in rows]
        if len(keys) <= MAX_FOUND:
            return Where("id = ANY({}) AND strpos(search, {}) > 0", keys, text)
    # There are so many that reading all of the list soon finds a page of them.
    return Where("strpos(search, {}) > 0", text)
