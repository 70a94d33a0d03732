"""Turns errors into what clients see: codes, messages, and responses that carry no GraphQL result."""

import logging
from collections.abc import Mapping
from secrets import token_hex

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from execution.schema import TooSlow
from models import failures
from models.failures import Failure
from models.state import note_failure
from resolvers.errors import UNAVAILABLE, UNKNOWN_OUTCOME
from resolvers.telemetry import current
from server.graphql.negotiation import JSON, content_type_header

TOO_SLOW = TooSlow.CODE
RETRY_LATER = {"retry-after": "2"}  # seconds, after which a database that was away may be back

_CODES = {
    Failure.AWAY: UNAVAILABLE,
    Failure.READ_ONLY: UNAVAILABLE,
    Failure.TOO_SLOW: TOO_SLOW,
    Failure.CONFLICT: TOO_SLOW,
    Failure.UNKNOWN_OUTCOME: UNKNOWN_OUTCOME,
}
_MESSAGES = {
    UNAVAILABLE: "The database is not available at the moment. Nothing was changed. Try again in a few seconds.",
    TOO_SLOW: "The database took too long. Nothing was changed. Try again.",
    UNKNOWN_OUTCOME: "It is not known whether the change was made. Send it again with the same idempotency key.",
}
_log = logging.getLogger("recourse")


class RequestRejected(HTTPException):
    """A request whose document is not executed."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(status, message)
        self.code = code
        self.headers = headers
        self.extensions: dict[str, str] = {"code": code}


def as_json(message: str, extensions: Mapping[str, str]) -> bytes:
    """Returns the body of a response that holds one error and nothing else."""
    return orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})


def error_response(
    status: int, code: str, message: str, media: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    return rejection_response(RequestRejected(status, code, message, **(headers or {})), media)


def rejection_response(rejected: RequestRejected, media: str = JSON) -> Response:
    _note_code(rejected.code)
    body = as_json(rejected.reason, rejected.extensions)
    return Response(body, rejected.status_code, rejected.headers, media_type=content_type_header(media))


def _note_code(code: str) -> None:
    """Keeps the code of a request's first error for its log line and metrics."""
    request = current.get()
    if request.id and not request.code:
        request.code = code


def failure_code(error: BaseException | None) -> str | None:
    """Returns the code for a failure of the database; None for any other error, which is our own.

    After the request has committed something, an error means that the change may have been made.
    """
    if error is None or (failure := failures.of(error)) is None:
        return None
    note_failure(error)
    code = _CODES.get(failure)
    return UNKNOWN_OUTCOME if code and current.get().wrote else code


def mask_internal(error: BaseException) -> str:
    """Logs the error under a new id and returns the message that tells clients this id."""
    id = token_hex(16)
    _log.error("error %s: %s", id, type(error).__qualname__, exc_info=error)
    return f"Internal error. Quote this id to support: {id}"


def internal_error_response(error: Exception) -> Response:
    """Returns the response to a request that failed before anything was executed."""
    if code := failure_code(error):
        return error_response(503, code, _MESSAGES[code], headers=RETRY_LATER)
    return error_response(500, "INTERNAL", mask_internal(error))


def to_client_error(error: GraphQLError, *, hints: bool) -> GraphQLError:
    """Returns the error as clients see it: unchanged where the request is wrong, masked where we are.

    Without `hints`, leaves out which similar names the schema has.
    """
    original = error.original_error
    if isinstance(original, CannotGetOperationTypeError):
        message, extensions = original.as_http_error_reason(), {"code": "BAD_REQUEST"}
    elif isinstance(original, InvalidOperationTypeError):
        message, extensions = original.as_http_error_reason("this kind of request"), {"code": "BAD_REQUEST"}
    elif isinstance(original, ValueError) and error.path is None:  # raised before any field ran: the document is wrong
        message, extensions = "The document has a value that cannot be read.", {"code": "BAD_REQUEST"}
    elif code := failure_code(original):
        message, extensions = _MESSAGES[code], {"code": code}
    elif original is not None and not isinstance(original, GraphQLError):
        message, extensions = mask_internal(original), {"code": "INTERNAL"}
    else:
        message, extensions = error.message, {"code": "BAD_REQUEST", **(error.extensions or {})}
    _note_code(extensions["code"])
    if not hints:
        message = message.partition(" Did you mean ")[0]
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, extensions=extensions)
