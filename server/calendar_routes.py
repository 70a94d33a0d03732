"""`/calendars/KEY.ics`: an account's agenda as iCalendar, at a signed URL. The URL itself is the right to read it."""

import asyncio
import re
from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

import models
from models import database
from models.files import Away
from resolvers import language
from resolvers.account import Account
from resolvers.calendar import read_calendar, write_calendar
from resolvers.context import Context
from resolvers.errors import UNAVAILABLE
from resolvers.signed_url import FilesUnavailable
from server.errors import TOO_SLOW, RequestRejected, error_response, internal_error_response, rejection_response
from server.file_store import CHECK_SECONDS
from server.graphql.negotiation import negotiate_wording
from server.rate_limits import client_address
from server.state import State, state_of

_KEY = re.compile(r"([0-9a-f]{32})\.ics", re.ASCII)
_HEADERS = {
    "cache-control": "no-store",
    "content-disposition": 'inline; filename="deadlines.ics"',
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
}


async def calendar(request: Request) -> Response:
    """GET returns the calendar."""
    state = state_of(request)
    try:
        await state.rates.consume("address", client_address(request))
    except RequestRejected as rejected:
        return rejection_response(rejected)
    try:
        await state.files.load()
        async with asyncio.timeout(state.settings.max_seconds):
            content = await _content(state, request)
    except Away:
        headers = {"retry-after": str(CHECK_SECONDS)}
        return error_response(503, UNAVAILABLE, FilesUnavailable().message, headers=headers)
    except TimeoutError:
        return error_response(503, TOO_SLOW, "The calendar could not be read in time. Try again.")
    except Exception as error:
        return internal_error_response(error)
    if content is None:
        message = "This calendar's address is not valid, or it was reset. Copy the current address and subscribe again."
        return error_response(403, "FORBIDDEN", message, headers={"cache-control": "no-store"})
    return Response(content, headers=_HEADERS, media_type="text/calendar")  # Starlette adds the charset


async def _content(state: State, request: Request) -> bytes | None:
    """Returns the calendar; None where the URL is not good. Reads nothing before the signature is checked."""
    match, query = _KEY.fullmatch(request.path_params["file"]), request.query_params
    if match is None or not state.files.allows_calendar(UUID(hex=match[1]), query):
        return None
    row = await models.Account.get_or_none(using_db=database.read_connection(), id=UUID(hex=match[1]))
    if row is None or row.calendar_resets != int(query["resets"]):
        return None
    account, now = Account(id=row.id, subject=row.subject, role=row.role, name=row.name), datetime.now(UTC)
    context = Context(account, now, now, state.files, state.hub, state.settings.limits)
    token = language.current.set(negotiate_wording(query["language"], query["zone"]))
    try:
        return await asyncio.to_thread(write_calendar, *await read_calendar(context))
    finally:
        language.current.reset(token)
