"""The request under way, as logs and metrics name it: nothing of what it says, and nothing of whose it is."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Request:
    """`operation` is the name of a document's operation once it was found valid, `code` that of the first error in the
    answer; both are empty until then. `client` is what the app calls itself."""

    id: str = ""
    client: str = ""
    operation: str = ""
    code: str = ""


current: ContextVar[Request] = ContextVar("request", default=Request())  # noqa: B039 - nobody's, read and never set
