"""The doors of carriers' streams on the voice process's HTTP.

WebSocket /trunkline/v1/lines/{carrier}/{model_id}   a stream for an agent

A token in the query (`?token=`), in the carrier's own header, or in its parameters; or Twilio's signature.
"""

from collections.abc import Sequence

from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from trunkline.errors import Unavailable
from trunkline.host.carriers import CarrierCalls, Proof
from trunkline.host.media_http import StarletteSocket
from trunkline.platform.telemetry import metrics
from trunkline.voice.lines.carrier import Carrier
from trunkline.voice.lines.plivo import Plivo
from trunkline.voice.lines.telnyx import Telnyx
from trunkline.voice.lines.twilio import SIGNATURE_HEADER, Twilio

CARRIERS: dict[str, Carrier] = {carrier.name: carrier for carrier in (Twilio(), Telnyx(), Plivo())}
_REFUSALS = {
    Proof.NONE: (401, "a token is needed; GET /trunkline/v1/lines/{carrier}/{model_id} makes one"),
    Proof.WRONG: (403, "the token or signature is not good"),
}


def routes(calls: CarrierCalls) -> Sequence[BaseRoute]:
    """The door to these calls."""

    async def stream(websocket: WebSocket) -> None:
        carrier = CARRIERS.get(websocket.path_params["carrier"])
        if carrier is None:
            await _refuse(websocket, 404, "no such carrier; it is one of " + ", ".join(CARRIERS))
            return
        try:
            wanted = await calls.wanted(websocket.path_params["model_id"])
        except Unavailable as error:
            await _refuse(websocket, 503, str(error))
            return
        if wanted is None:
            await _refuse(websocket, 404, "no such agent")
            return
        proof = calls.proof(
            carrier,
            wanted,
            _token(websocket, carrier),
            websocket.headers.get(SIGNATURE_HEADER),
            _urls(websocket, calls.base),
        )
        if proof in _REFUSALS:
            await _refuse(websocket, *_REFUSALS[proof])
        elif not wanted.permitted:
            await _refuse(websocket, 403, "the agent's workspace lacks the permission inbound")
        elif (reason := calls.no_room()) is not None:
            await _refuse(websocket, 503, reason)
        else:
            await websocket.accept()
            await calls.serve(carrier, wanted, proof, StarletteSocket(websocket))

    return (WebSocketRoute("/trunkline/v1/lines/{carrier}/{model_id}", stream),)


async def _refuse(websocket: WebSocket, status: int, reason: str) -> None:
    metrics.calls_ended.labels("inbound", "refused").inc()
    await websocket.send_denial_response(PlainTextResponse(f"{reason}\n", status))


def _token(websocket: WebSocket, carrier: Carrier) -> str:
    header = websocket.headers.get(carrier.token_header, "") if carrier.token_header else ""
    return websocket.query_params.get("token", "") or header


def _urls(websocket: WebSocket, base: str | None) -> list[str]:
    """How the other side may have written where it went: a proxy in front may have ended TLS or changed the host."""
    path = websocket.url.path + (f"?{websocket.url.query}" if websocket.url.query else "")
    bases = [f"{scheme}://{websocket.headers.get('host', '')}" for scheme in ("wss", "ws")]
    if base is not None:
        bases.append(base.rstrip("/"))
    return [before + path + slash for before in bases for slash in ("", "/")]
