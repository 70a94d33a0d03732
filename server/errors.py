"""How errors are spelled where they are not part of an answer to a GraphQL document."""

import logging
from collections.abc import Mapping
from secrets import token_hex

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from models import database
from resolvers.request import current
from server.media import JSON, spelled

_log = logging.getLogger("recourse")


class Refused(HTTPException):
    """A request whose document is not run."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(status, message)
        self.code = code
        self.headers = headers


def as_json(code: str, message: str) -> bytes:
    """The body of an answer that is an error and nothing else."""
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})


def error(
    status: int, code: str, message: str, media: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    _note(code)
    return Response(as_json(code, message), status, headers, media_type=spelled(media))


def refusal(wrong: Refused, media: str = JSON) -> Response:
    return error(wrong.status_code, wrong.code, wrong.reason, media, wrong.headers)


def _note(code: str) -> None:
    request = current.get()
    if not request.code:
        request.code = code


def _says_enough(error: BaseException) -> bool:
    """Of the database's being away. Files and time-outs are also of our own."""
    return database.is_away(error) and (isinstance(error, ConnectionError) or not isinstance(error, OSError))


def masked(error: BaseException) -> str:
    """Logs what happened under an id, and gives the sentence that names the id. While the database is away, where it
    happened says nothing."""
    id = token_hex(16)
    _log.error("error %s: %s", id, type(error).__qualname__, exc_info=None if _says_enough(error) else error)
    return f"Something went wrong on our side. If it stays so, tell us this id: {id}"


def presented(error: GraphQLError, *, hints: bool) -> GraphQLError:
    """The error as clients see it: as it is where the request is to blame, masked where we are. `hints` says whether it
    may tell what else there is that sounds alike."""
    original = error.original_error
    if isinstance(original, CannotGetOperationTypeError):
        message, extensions = original.as_http_error_reason(), {"code": "BAD_REQUEST"}
    elif isinstance(original, InvalidOperationTypeError):
        message, extensions = original.as_http_error_reason("this kind of request"), {"code": "BAD_REQUEST"}
    elif isinstance(original, ValueError) and error.path is None:  # before any field was asked: it is in the document
        message, extensions = "The document has a value that cannot be read.", {"code": "BAD_REQUEST"}
    elif original is not None and not isinstance(original, GraphQLError):
        message, extensions = masked(original), {"code": "INTERNAL"}
    else:
        message, extensions = error.message, {"code": "BAD_REQUEST", **(error.extensions or {})}
    _note(extensions["code"])
    if not hints:
        message = message.partition(" Did you mean ")[0]
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, extensions=extensions)
