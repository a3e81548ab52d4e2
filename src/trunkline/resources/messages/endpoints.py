"""`/trunkline/v1/messages`: what a provider tells us. Its signature stands in for a key."""

from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from trunkline.errors import Forbidden, NotFound
from trunkline.platform.http.bodies import limited
from trunkline.platform.http.context import Parts
from trunkline.resources.ids import as_uuid
from trunkline.resources.messages import twilio
from trunkline.resources.messages.receiving import receive
from trunkline.resources.workspaces.secrets import secret

router = APIRouter(prefix="/trunkline/v1/messages", include_in_schema=False)

_LARGEST = 65_536
"""Bytes; a message has 1,600 characters at most, and names of media beside them."""
_NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@router.post("/twilio/{workspace_id}")
async def receive_twilio_message(workspace_id: str, request: Request, parts: Parts) -> Response:
    """Twilio's messaging webhook: somebody wrote to a number of the workspace's account."""
    id_ = as_uuid(workspace_id)
    if id_ is None:
        raise NotFound(f"There is no workspace {workspace_id}.")
    request = Request(request.scope, limited(request.scope, request.receive, _LARGEST))
    form = parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True)
    async with parts.database.workspace(id_) as session:
        account = await secret(session, parts.secrets, id_, "twilio")
        signature = request.headers.get(twilio.SIGNATURE_HEADER, "")
        urls = _urls(request, parts.base_url)
        if account is None or not twilio.is_signed(account["auth_token"], urls, form, signature):
            raise Forbidden(
                "The signature is not good. Twilio signs the URL as it is set at the number: it must be "
                f"{urls[0]}, and TRUNKLINE_PUBLIC_URL how Twilio reaches this installation."
            )
        if (message := twilio.incoming(dict(form))) is not None:
            await receive(session, id_, message)
    return Response(_NOTHING_TO_SAY, media_type="text/xml")


def _urls(request: Request, base: str) -> list[str]:
    """How Twilio may have written where it went: a proxy in front may have ended TLS or changed the host."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    host = request.headers.get("host", "")
    return [base + path, f"https://{host}{path}", f"http://{host}{path}"]
