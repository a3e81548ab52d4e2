"""Call limits on the wire."""

from typing import Annotated

from pydantic import Field

from trunkline.platform.http.wire import Wire, WireInput, example

MOST_CONCURRENT = 100_000
MOST_ATTEMPTS = 1_000


class LimitsChange(WireInput):
    """New limits; what is left out stays."""

    model_config = example(concurrency=20, attempts_per_second=2)

    concurrency: Annotated[int, Field(ge=0, le=MOST_CONCURRENT)] | None = None
    """Outbound calls at once; 0 stops all dialling."""
    attempts_per_second: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)] | None = None


class LimitsOut(Wire):
    """What a workspace may have, and has. Only outbound calls count."""

    concurrency: int
    attempts_per_second: int
    active: int
    """Outbound calls that have not ended."""
    shared: bool
    """The pool is the parent's: it and all its subaccounts draw on it."""
