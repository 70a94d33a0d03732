"""Log formats: one line of JSON for each record in production, one line of text in development.

An exception is logged by its type and traceback. Its message is left out, because a database may quote in it what
people wrote.
"""

import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from resolvers.telemetry import current
from server.settings import Mode, Settings

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Returns the fields that were logged as `extra={"fields": {…}}`."""
    return getattr(record, "fields", {})


def _message(record: logging.LogRecord) -> str:
    """Returns the message; only the first line of asyncio's, whose other lines quote the exception."""
    text = record.getMessage()
    return text.partition("\n")[0] if record.name == "asyncio" else text


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - named by its base
        record.message = _message(record)
        return " ".join(
            [super().formatMessage(record), *(f"{name}={value}" for name, value in _fields(record).items())]
        )

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - named by its base
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__qualname__ if kind else ""])


class JSONFormatter(TextFormatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "request": current.get().id or None,
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configuration(settings: Settings) -> dict[str, Any]:
    """Returns the configuration for logging.config, in each process."""
    formatter = TextFormatter if settings.mode is Mode.DEVELOPMENT else JSONFormatter
    level = settings.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"recourse": {"()": f"{formatter.__module__}.{formatter.__qualname__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "recourse"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {name: {"level": level} for name in ("recourse", "models", "resolvers", "execution")},
    }
