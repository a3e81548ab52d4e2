"""Twilio as a local server: its message resource, with the answers that its documentation prints."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.platform.outbound.web import Asked, Web, response, web
from tests.resources.api import BASE_URL, BOX, Api
from trunkline.resources.messages import twilio
from trunkline.resources.workspaces import secrets

SID = "AC" + "0" * 32
TOKEN = "t0ken"
OURS, THEIRS = "+14155550100", "+14155552671"


@dataclass
class Account:
    """An account of Twilio and what it was asked to send."""

    server: Web
    sent: list[dict[str, str]] = field(default_factory=list)
    refusal: tuple[int, int, str] | None = None
    """Status, code and message of the answer, instead of taking it."""
    breaks: bool = False
    """It takes a message and then fails to answer in a way that says so."""

    @property
    def address(self) -> str:
        return self.server.url("")

    def answer(self, asked: Asked) -> bytes:
        login = b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if asked.method != "POST" or asked.target != f"/2010-04-01/Accounts/{SID}/Messages.json":
            return _refused(404, 20404, f"The requested resource {asked.target} was not found")
        if asked.headers.get("authorization") != f"Basic {login}":
            return _refused(401, 20003, "Authenticate")
        if asked.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _refused(400, 21603, "A 'From' phone number is required.")
        if self.refusal is not None:
            return _refused(*self.refusal)
        form = {
            name: values[0] for name, values in parse_qs(asked.body.decode(), strict_parsing=True).items()
        }
        self.sent.append(form)
        if self.breaks:
            return response(502, b"<html>Bad gateway</html>")
        made = {
            "account_sid": SID,
            "api_version": "2010-04-01",
            "body": form.get("Body", ""),
            "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
            "date_sent": None,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form["From"],
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "sid": f"SM{len(self.sent):032x}",
            "status": "queued",
            "to": form["To"],
            "uri": f"/2010-04-01/Accounts/{SID}/Messages/SM{len(self.sent):032x}.json",
        }
        return response(201, json.dumps(made).encode(), Content_Type="application/json")


def _refused(status: int, code: int, message: str) -> bytes:
    told = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return response(status, json.dumps(told).encode(), Content_Type="application/json")


@asynccontextmanager
async def account() -> AsyncIterator[Account]:
    """An account that takes everything."""
    async with web() as server:
        made = Account(server)
        server.answer = made.answer
        yield made


async def connect(api: Api) -> None:
    """The workspace has the account."""
    async with api.database.system() as session:
        value = {"account_sid": SID, "auth_token": TOKEN}
        await secrets.store(session, BOX, api.workspace.id, "twilio", value)


async def write(
    api: Api,
    text: str,
    *,
    sender: str = THEIRS,
    recipient: str = OURS,
    id: str = "SM" + "f" * 32,
    token: str = TOKEN,
    base: str = BASE_URL,
    workspace: str | None = None,
) -> int:
    """Somebody writes to a number of the account: Twilio's request, signed; the status of our answer."""
    path = f"/trunkline/v1/messages/twilio/{workspace or api.workspace.id}"
    form = {
        "ToCountry": "US",
        "MessageSid": id,
        "SmsSid": id,
        "SmsMessageSid": id,
        "AccountSid": SID,
        "From": sender,
        "To": recipient,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
        "FromCity": "",
        "ApiVersion": "2010-04-01",
    }
    pairs = "".join(name + form[name] for name in sorted(form))
    answer = await api.client.post(
        path,
        data=form,
        headers={"Authorization": "", "X-Twilio-Signature": twilio.sign(token, base + path, pairs)},
    )
    if answer.status_code == 200:
        assert answer.headers["content-type"].startswith("text/xml")
        assert answer.text.endswith("<Response/>")
    return answer.status_code
