"""Our own API of calls that are on, under /trunkline/v1/calls: hang up, say, whisper, transfer."""

from typing import Annotated

from pydantic import AfterValidator, Field

from trunkline.errors import BadInput
from trunkline.platform.http.context import Caller, Parts, Platform, keyed_router, needs
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, Wire, WireInput, done, example, ok
from trunkline.resources.calls.closing import cancel_waiting
from trunkline.resources.calls.holders import call_of, command
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.phone import target
from trunkline.resources.calls.plan import is_sip_uri, trunk_of
from trunkline.resources.numbers.repository import NumberRepository
from trunkline.voice.lines import sip_uri

router = keyed_router("/trunkline/v1/calls", "Live calls", Scope.CALLS)

_SLACK_SECONDS = 5.0
"""How much longer than the transfer itself its answer may take."""


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


class LiveText(WireInput):
    """Words for a call that is on."""

    model_config = example(text="We will call you back in an hour.")

    text: Annotated[
        str,
        AfterValidator(_not_blank),
        Field(max_length=2000, examples=["One moment, a colleague looks into it."]),
    ]


class Transfer(WireInput):
    """Where the other party is sent."""

    model_config = example(to="+14155552671", timeout=30)

    to: Annotated[
        str,
        AfterValidator(target),
        Field(examples=["+14155552671", "sip:support@pbx.example.com"]),
    ]
    """A SIP URI, or a number in E.164, which is reached through the trunk of the call's own number."""
    timeout: Annotated[int, Field(ge=5, le=300, examples=[30])] = 30
    """Seconds in which the new call must be answered."""


class TransferOutcome(Wire):
    """What came of a transfer; when it failed, the agent goes on with the call."""

    transferred: Annotated[bool, Field(examples=[False])]
    code: Annotated[int | None, Field(examples=[486])]
    """SIP status that the other side reported."""
    reason: Annotated[str, Field(examples=["Busy Here"])]
    """"" when it was transferred."""


@router.post("/{call_id}/hangup")
async def hang_up(call_id: str, caller: Caller, parts: Parts) -> StatusOnly:
    """End a call that is on, or cancel one that waits or rings."""
    call = await call_of(parts, caller, call_id)
    async with parts.database.system() as session:
        canceled = await cancel_waiting(session, call.id)
    if not canceled:
        await command(parts, await call_of(parts, caller, call_id), "hangup", {})
    return done()


@router.post("/{call_id}/say")
async def say(call_id: str, body: LiveText, caller: Caller, parts: Parts) -> StatusOnly:
    """Let the agent speak this text next."""
    await command(parts, await call_of(parts, caller, call_id), "say", {"text": body.text})
    return done()


@router.post("/{call_id}/whisper")
async def whisper(call_id: str, body: LiveText, caller: Caller, parts: Parts) -> StatusOnly:
    """Tell the agent something that the other party does not hear; its next replies take it into account."""
    await command(parts, await call_of(parts, caller, call_id), "whisper", {"text": body.text})
    return done()


@router.post("/{call_id}/transfer", dependencies=[needs(Scope.OUTBOUND)])
async def transfer(call_id: str, body: Transfer, caller: Caller, parts: Parts) -> Ok[TransferOutcome]:
    """Send the other party elsewhere (SIP REFER) and wait for the outcome; nobody is briefed before."""
    call = await call_of(parts, caller, call_id)
    order = {"target": await _address(parts, call, body.to), "timeout": body.timeout}
    outcome = await command(parts, call, "transfer", order, body.timeout + _SLACK_SECONDS)
    return ok(
        TransferOutcome(transferred=outcome["ok"], code=outcome["code"], reason=outcome["reason"] or "")
    )


async def _address(parts: Platform, call: Call, to: str) -> str:
    """The SIP URI of a target. Raises BadInput for a number when the call's own number has no trunk."""
    if is_sip_uri(to):
        return str(sip_uri.outbound(to, None))
    async with parts.database.workspace(call.workspace_id) as session:
        number = await NumberRepository(session, call.workspace_id).find(call.agent_number)
        trunk = trunk_of(number, parts.secrets) if number is not None else None
    if trunk is None:
        raise BadInput(
            "to: the call's own number has no SIP trunk to reach another number through; send a SIP URI instead."
        )
    return str(sip_uri.outbound(to, trunk))
