"""What the SIP stack says of its own accord, made bearable: few lines, and nobody's number in them.

It speaks in two ways: through the `baresip` loggers, and by printing to C's stderr for each datagram it dislikes.
"""

import ctypes
import logging
import os
import re
import threading
import time
from collections.abc import Callable

_LINES = 20
_SECONDS = 10.0
_LINE_BUFFERED = 1
"""glibc's _IOLBF."""
_USER_PART = re.compile(r"(sips?:|tel:)[^@\s;>]+(?=[@\s;>]|$)")
_NATIVE = logging.getLogger("baresip.native")


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


def divert_stderr() -> Callable[[], None]:
    """Lead C's stderr into the logger `baresip.native`; answers the function that undoes it.

    Only the C library's `stderr` is changed: file descriptor 2, Python's sys.stderr and child processes stay as they
    are. Where the C library has no such symbol (macOS), nothing is changed. A reader that falls behind loses lines
    and never holds up the SIP thread.
    """
    libc = ctypes.CDLL(None)
    try:
        stderr = ctypes.c_void_p.in_dll(libc, "stderr")
    except ValueError:
        return lambda: None
    libc.fdopen.restype = ctypes.c_void_p
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    ours = ctypes.c_void_p(libc.fdopen(write_end, b"w"))
    libc.setvbuf(ours, None, _LINE_BUFFERED, ctypes.c_size_t(0))
    before, stderr.value = stderr.value, ours.value
    reader = threading.Thread(target=_log_lines, args=(read_end,), name="native-stderr", daemon=True)
    reader.start()

    def undo() -> None:
        stderr.value = before
        libc.fclose(ours)
        reader.join(1)

    return undo


def _log_lines(read_end: int) -> None:
    with os.fdopen(read_end, "rb") as lines:
        for line in lines:
            _NATIVE.warning("%s", line.decode("utf-8", "replace"))
