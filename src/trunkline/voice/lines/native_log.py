"""What the SIP stack says of its own accord, made bearable: few lines, and nobody's number in them."""

import logging
import re
import time

_LINES = 20
_SECONDS = 10.0
_USER_PART = re.compile(r"(sips?:|tel:)[^@\s;>]+(?=[@\s;>]|$)")


class Trickle(logging.Filter):
    """Lets through at most 20 lines in 10 s, and takes user parts of SIP addresses out of them.

    A flood of broken datagrams makes the stack complain of each; the count of lines kept back comes with the next
    one that passes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._window = 0.0
        self._passed = 0
        self._kept_back = 0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._window >= _SECONDS:
            self._window, self._passed = now, 0
        if self._passed >= _LINES:
            self._kept_back += 1
            return False
        self._passed += 1
        text = _USER_PART.sub(r"\1…", record.getMessage()).strip()
        if self._kept_back:
            text += f" ({self._kept_back} lines kept back before)"
            self._kept_back = 0
        record.msg, record.args = text, None
        return True


def quieten() -> None:
    """Put the filter on the stack's loggers; safe to repeat."""
    for name in ("baresip.native", "baresip.native.sip", "baresip.call"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, Trickle) for known in logger.filters):
            logger.addFilter(Trickle())
