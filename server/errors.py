"""How errors are spelled where they are not part of an answer to a GraphQL document."""

import logging
from collections.abc import Mapping
from secrets import token_hex

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from models import failures
from models.failures import Failure
from resolvers.telemetry import current
from server.graphql.negotiation import JSON, content_type_header

_log = logging.getLogger("recourse")


class RequestRejected(HTTPException):
    """A request whose document is not run."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(status, message)
        self.code = code
        self.headers = headers
        self.extensions: dict[str, str] = {"code": code}


def as_json(message: str, extensions: Mapping[str, str]) -> bytes:
    """The body of an answer that is an error and nothing else."""
    return orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})


def error_response(
    status: int, code: str, message: str, media: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    return rejection_response(RequestRejected(status, code, message, **(headers or {})), media)


def rejection_response(wrong: RequestRejected, media: str = JSON) -> Response:
    _note(wrong.code)
    body = as_json(wrong.reason, wrong.extensions)
    return Response(body, wrong.status_code, wrong.headers, media_type=content_type_header(media))


def _note(code: str) -> None:
    request = current.get()
    if request.id and not request.code:  # it is somebody's
        request.code = code


UNAVAILABLE = "UNAVAILABLE"
_CODES = {
    Failure.AWAY: UNAVAILABLE,
    Failure.READ_ONLY: UNAVAILABLE,
    Failure.TOO_SLOW: "TOO_SLOW",
    Failure.CONFLICT: "TOO_SLOW",
    Failure.UNKNOWN_OUTCOME: "UNKNOWN_OUTCOME",
}
_SENTENCES = {
    UNAVAILABLE: "The database cannot be used at the moment, and nothing was done. Try again in a few seconds.",
    "TOO_SLOW": "The database took too long for this, and nothing was done. Try again.",
    "UNKNOWN_OUTCOME": "Whether this was done is not known. Ask again with the same idempotency key.",
}
RETRY_LATER = {"retry-after": "2"}  # seconds, in which a database that is away may be back


def failure_code(error: BaseException | None) -> str | None:
    """The code for what the database's error says; None when it says nothing, and is our own fault. Once something was
    committed, what is not answered may be done."""
    if error is None or (failure := failures.of(error)) is None:
        return None
    failures.noted(error)
    code = _CODES.get(failure)
    return "UNKNOWN_OUTCOME" if code and current.get().wrote else code


def mask_internal(error: BaseException) -> str:
    """Logs what happened under an id, and gives the sentence that names the id."""
    id = token_hex(16)
    _log.error("error %s: %s", id, type(error).__qualname__, exc_info=error)
    return f"Something went wrong on our side. If it stays so, tell us this id: {id}"


def internal_error_response(problem: Exception) -> Response:
    """The answer to a request of which nothing was executed."""
    if code := failure_code(problem):
        return error_response(503, code, _SENTENCES[code], headers=RETRY_LATER)
    return error_response(500, "INTERNAL", mask_internal(problem))


def to_client_error(error: GraphQLError, *, hints: bool) -> GraphQLError:
    """The error as clients see it: as it is where the request is to blame, masked where we are. `hints` says whether it
    may tell what else there is that sounds alike."""
    original = error.original_error
    if isinstance(original, CannotGetOperationTypeError):
        message, extensions = original.as_http_error_reason(), {"code": "BAD_REQUEST"}
    elif isinstance(original, InvalidOperationTypeError):
        message, extensions = original.as_http_error_reason("this kind of request"), {"code": "BAD_REQUEST"}
    elif isinstance(original, ValueError) and error.path is None:  # before any field was asked: it is in the document
        message, extensions = "The document has a value that cannot be read.", {"code": "BAD_REQUEST"}
    elif code := failure_code(original):
        message, extensions = _SENTENCES[code], {"code": code}
    elif original is not None and not isinstance(original, GraphQLError):
        message, extensions = mask_internal(original), {"code": "INTERNAL"}
    else:
        message, extensions = error.message, {"code": "BAD_REQUEST", **(error.extensions or {})}
    _note(extensions["code"])
    if not hints:
        message = message.partition(" Did you mean ")[0]
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, extensions=extensions)
