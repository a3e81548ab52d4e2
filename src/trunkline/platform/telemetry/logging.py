"""One line of log an event: JSON, or for people at a terminal. No secrets, and nothing that was said or dialled.

    log = structlog.get_logger(__name__)
    log.info("call_answered", call=call_id, host=host)

Names of events are snake_case; values go in as keywords, so that `redact` sees them.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from trunkline.platform.outbound.masking import is_secret_member

REDACTED = "[redacted]"
_HIDDEN = re.compile(
    r"tokens$|dsn|database_url|phone|(^|_)numbers?($|_)|number_(from|to)|other_party|callee|caller|dialled"
    r"|(^|_)(text|words|transcript|prompt|greeting|lead|email|name_of)($|_)",
    re.IGNORECASE,
)
"""Beside the secrets that every log leaves out: where our own are, and who talks of what."""
_QUIET = (
    "procrastinate",
    "psycopg",
    "psycopg.pool",
    "asyncio",
    "httpx",
    "httpx2",
    "httpcore",
    "openai",
    "alembic",
    "uvicorn.error",
)
"""Libraries whose warnings we want and whose chatter we do not: uvicorn's has the query of every WebSocket's address, and
in it a carrier's token."""

Event = MutableMapping[str, Any]


def configure(role: str, *, stream: TextIO | None = None, level: str = "INFO") -> None:
    """Sets the process's logging up; the standard library's loggers write the same lines.

    `stream` (stderr) gets JSON lines, or the coloured form when it is a terminal. Every line carries `role`.
    """
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=()),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(role=role)


def _rendering(terminal: bool) -> list[structlog.typing.Processor]:
    if terminal:
        # Plain tracebacks: the pretty ones print local variables, and with them what callers said.
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """Hides values by their key's name, at any depth: secrets, phone numbers, what was said."""
    for key, value in event.items():
        if key != "event":
            event[key] = _hidden(key, value)
    return event


def _hidden(key: str, value: object) -> object:
    if (is_secret_member(key) or _HIDDEN.search(key)) and not isinstance(value, bool | int | float | None):
        return REDACTED
    if isinstance(value, dict):
        return {name: _hidden(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(key, inner) for inner in value]
    return value
