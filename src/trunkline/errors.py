"""Every exception that Trunkline raises on purpose.

    TrunklineError
    ├── BadInput            what a caller of the API or an operator can mend
    │   ├── NotFound        an id that is unknown or another workspace's (told apart by nobody)
    │   ├── Conflict        it is there already, or something still uses it
    │   ├── Busy            the same request still runs
    │   ├── OtherRequest    a key for repeats was used for something else
    │   ├── OverLimit       too much at once; carries the seconds to wait
    │   └── OutboundRefused an address that may not be reached from here
    ├── NotAuthorised       no key, or a wrong one
    │   └── Forbidden       a good key that may not do this
    ├── IllegalTransition   a status was asked to move where its table has no arrow
    ├── SetupError          the installation is not as it must be; the text says what to do
    │   ├── ModelMissing    a model file is absent or has a wrong hash
    │   └── PortTaken       another program listens where we must
    ├── Unavailable         something we stand on is away for now; trying again helps
    │   └── NoFreeSlot      no voice host has room for one more call
    ├── OutboundFailed      a request to somebody else's address brought no answer
    ├── DialFailed          a call we placed was not answered; says why and with what SIP status
    └── ProviderError       speech or language failed while a call was on
        ├── ProviderTimeout it did not answer within its budget
        └── ProviderRefused it took this request for wrong; others may be well

The text of an error tells its reader what to do next.
"""


class TrunklineError(Exception):
    """Base of the tree; never raised itself."""


class BadInput(TrunklineError):
    """What was sent is wrong; the text names the field and the remedy."""


class NotFound(BadInput):
    """No such thing in this workspace."""


class Conflict(BadInput):
    """The present state does not allow it."""


class Busy(BadInput):
    """The same request was sent before and still runs."""


class OtherRequest(BadInput):
    """A key that makes repeats safe came with another request than before."""


class OverLimit(BadInput):
    """Too many at once or in a second."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Whole seconds after which another try makes sense."""


class OutboundRefused(BadInput):
    """The address of an outgoing request is not public, or none at all."""


class NotAuthorised(TrunklineError):
    """The key is absent, unknown or revoked."""


class Forbidden(NotAuthorised):
    """The key is good, but may not do this."""


class IllegalTransition(TrunklineError):
    """A status may not move this way."""


class SetupError(TrunklineError):
    """The installation is not as it must be."""


class ModelMissing(SetupError):
    """A model file is absent or not the one it should be."""


class PortTaken(SetupError):
    """Another program listens on a port that we need."""


class Unavailable(TrunklineError):
    """Something we stand on is away for now."""


class NoFreeSlot(Unavailable):
    """No voice host has room for one more call."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutboundFailed(TrunklineError):
    """An outgoing request brought no answer; `timed_out` when its time was over, `too_large` when its answer was."""

    def __init__(self, message: str, *, timed_out: bool = False, too_large: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out
        self.too_large = too_large


class DialFailed(TrunklineError):
    """A call we placed was not answered.

    `outcome` is one of `busy`, `no_answer`, `refused`, `unreachable`, `canceled` (by us); `code` the SIP status where there was one.
    """

    def __init__(self, message: str, outcome: str, code: int | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.code = code


class ProviderError(TrunklineError):
    """A speech or language provider failed."""


class ProviderTimeout(ProviderError):
    """A provider did not answer within its budget."""


class ProviderRefused(ProviderError):
    """A provider answered that the request itself is wrong (a voice it does not know, a language it does not speak)."""
