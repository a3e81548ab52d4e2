"""`/v2/calls/outbound-test-ws-media` (contract, section 5.7)."""

from fastapi.responses import JSONResponse

from trunkline.platform.http.context import Caller, Parts, keyed_router, needs
from trunkline.platform.http.errors import ErrorEnvelope
from trunkline.platform.http.scopes import Scope
from trunkline.resources.media_calls import service
from trunkline.resources.media_calls.schemas import (
    MediaBaseUrl,
    MediaCallCreate,
    MediaCallFailed,
    MediaCallOut,
)

router = keyed_router("/v2/calls/outbound-test-ws-media", "Calls", Scope.CALLS)


@router.post(
    "",
    dependencies=[needs(Scope.OUTBOUND)],
    response_model=MediaCallOut,
    responses={502: {"model": MediaCallFailed}, 503: {"model": ErrorEnvelope}},
)
async def start_ws_media_call(
    body: MediaCallCreate, caller: Caller, parts: Parts
) -> MediaCallOut | JSONResponse:
    """Begin a call whose audio comes and goes over a WebSocket, without telephony."""
    call = await service.start(parts, caller.workspace_id, body)
    if call.fault:
        failed = MediaCallFailed(call_id=str(call.call_id), error=call.fault)
        return JSONResponse(failed.model_dump(by_alias=True), 502)
    if body.ws_media_server_name:
        return MediaCallOut(call_id=str(call.call_id), sid=call.sid, ws_media_url=call.url)
    return MediaCallOut(call_id=str(call.call_id), sid="", ws_media_url=f"{call.url}/{call.sid}")


@router.get("/base-url", responses={503: {"model": ErrorEnvelope}})
async def get_ws_media_base_url(caller: Caller, parts: Parts) -> MediaBaseUrl:
    """Where such WebSockets are opened now."""
    return MediaBaseUrl(ws_media_base_url=service.base_url(await service.free_node(parts)))
