"""The log: a line of JSON for each record in production, of words in development, each with its request's id.

An exception is logged by its type and where it happened. Its message is left out, in which a database may quote what
somebody wrote.
"""

import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from resolvers.telemetry import current
from server.settings import Mode, Settings

Exc = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def _said(record: logging.LogRecord) -> dict[str, Any]:
    """What was logged by name, as `extra={"said": …}`."""
    return getattr(record, "said", {})


def _message(record: logging.LogRecord) -> str:
    """Of asyncio's the first line: the others quote the exception."""
    text = record.getMessage()
    return text.partition("\n")[0] if record.name == "asyncio" else text


class Words(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base's own name
        record.message = _message(record)
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in _said(record).items())])

    def formatException(self, ei: Exc) -> str:  # noqa: N802 - the base's own name
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__qualname__ if kind else ""])


class Lines(Words):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "request": current.get().id or None,
            **_said(record),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(said).decode()


def configuration(settings: Settings) -> dict[str, Any]:
    """For logging.config, of each process."""
    form = Words if settings.mode is Mode.DEVELOPMENT else Lines
    level = settings.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"recourse": {"()": f"{form.__module__}.{form.__qualname__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "recourse"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"recourse": {"level": level}, "models": {"level": level}, "resolvers": {"level": level}},
    }
