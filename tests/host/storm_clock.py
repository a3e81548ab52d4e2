"""An event loop on which no time passes while anything is to be done, and all the time at once when nothing is.

A whole voice host runs on it as fast as it can compute, in one thread and in one order: what its time-outs, budgets and
pauses make of a fault takes no time, and the same seed gives the same calls.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sockets do not work on it; threads there are none: what is given to one runs on the loop, by and by."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Since the loop was made."""
        super().__init__(_NothingComes(self._pass))

    def time(self) -> float:
        return self.seconds

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 - whoever waits for it gets it, as from a thread
                if not done.cancelled():
                    done.set_exception(error)
            else:
                if not done.cancelled():
                    done.set_result(result)

        self.call_soon(work)
        return done

    def _pass(self, seconds: float | None) -> None:
        if seconds is None:
            raise RuntimeError("Everything waits for something that cannot come.")
        self.seconds += seconds


class _NothingComes(selectors.DefaultSelector):
    """Instead of waiting for a file it lets the time pass."""

    def __init__(self, let_pass: Callable[[float | None], None]) -> None:
        super().__init__()
        self._let_pass = let_pass

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout != 0:
            self._let_pass(timeout)
        return []


def run(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it, on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
