"""The request under way, as logs and metrics name it: nothing of what it says, and nothing of whose it is."""

from contextvars import ContextVar
from dataclasses import dataclass

from models import database


@dataclass(slots=True)
class Request:
    """`operation` is the name of a document's operation once it was found valid, and `cost` what it was measured to
    cost; `code` is that of the first error in the answer. `client` is what the app calls itself. `wrote` says whether
    it committed anything yet."""

    id: str = ""
    client: str = ""
    operation: str = ""
    code: str = ""
    wrote: bool = False
    cost: int = 0


current: ContextVar[Request] = ContextVar("request", default=Request())  # noqa: B039 - nobody's, read and never set


def _note_commit() -> None:
    if (request := current.get()).id:
        request.wrote = True


database.after_commit.append(_note_commit)
