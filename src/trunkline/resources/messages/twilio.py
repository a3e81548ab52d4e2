"""Twilio's wire format for messages: sending, refusals, and what its webhook sends.

Sources: https://www.twilio.com/docs/messaging/api/message-resource (create),
https://www.twilio.com/docs/api/errors, https://www.twilio.com/docs/messaging/guides/webhook-request and, for the
signature, https://www.twilio.com/docs/usage/security.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Literal
from urllib.parse import urlencode

from trunkline.resources.vendors import Purpose, Vendors, content_of
from trunkline.resources.webhooks.record import Delivery

Channel = Literal["sms", "whatsapp"]
SIGNATURE_HEADER = "X-Twilio-Signature"

_PREFIX = "whatsapp:"
_TOO_MANY = 429
_ACCOUNT = "Twilio refuses the account: check account_sid and auth_token of the workspace secret twilio"
_WORDS = {
    20003: _ACCOUNT,
    20404: _ACCOUNT,
    20429: "Twilio takes no more messages just now; try again in a while",
    21211: "the recipient's number is not a valid one",
    21212: "the sender's number is not a valid one for Twilio",
    21408: "the Twilio account may not send to the recipient's country; allow it under Messaging, Geo permissions",
    21603: "Twilio was given no sender",
    21606: "the sender's number is none of the Twilio account's, or sends no messages",
    21608: "a trial account of Twilio sends to verified numbers only",
    21610: "the recipient has opted out of messages from this number (STOP)",
    21612: "Twilio has no way from this sender to this recipient",
    21614: "the recipient's number is not a mobile one",
    21617: "the message is longer than the 1,600 characters that Twilio takes",
    21655: "content_sid is no template of the Twilio account",
    21656: "content_variables do not fit the template",
    21659: "the sender's number is none of the Twilio account's",
    63007: "the sender's number is no WhatsApp sender of the Twilio account",
    63016: "WhatsApp takes free text only within 24 hours of the recipient's last message; send a template",
}


@dataclass(frozen=True)
class Outgoing:
    """A message to be sent: a text, or a template with its values."""

    channel: Channel
    sender: str
    """E.164, like the recipient."""
    recipient: str
    text: str = ""
    content_sid: str = ""
    content_variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Incoming:
    """A message that somebody wrote."""

    id: str
    """`SM…` or `MM…`."""
    channel: Channel
    sender: str
    recipient: str
    text: str


async def create(
    vendors: Vendors, account: Mapping[str, str], message: Outgoing, purpose: Purpose
) -> Delivery:
    """Have it sent; `account` is the workspace's secret `twilio`."""
    login = f"{account['account_sid']}:{account['auth_token']}".encode()
    return await vendors.ask(
        purpose,
        "POST",
        f"{vendors.addresses.twilio}/2010-04-01/Accounts/{account['account_sid']}/Messages.json",
        headers={
            "Authorization": f"Basic {b64encode(login).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        content=urlencode(_form(message)).encode(),
    )


def message_id(delivery: Delivery) -> str | None:
    """The id of a message that Twilio took; None where it took none, or nobody knows."""
    sid = content_of(delivery).get("sid")
    return sid if delivery.succeeded and isinstance(sid, str) else None


def was_refused(delivery: Delivery) -> bool:
    """Whether it is certain that nothing was sent. A fault of Twilio's, or no answer, leaves it open."""
    return delivery.answer is not None and 400 <= delivery.answer.status < 500


def why(delivery: Delivery) -> str:
    """In words, why Twilio did not take a message."""
    if delivery.answer is None:
        return delivery.error
    status, content = delivery.answer.status, content_of(delivery)
    code = content.get("code")
    if isinstance(code, int) and code in _WORDS:
        return f"{_WORDS[code]} (Twilio error {code})"
    if status == _TOO_MANY:
        return _WORDS[20429]
    if status in (401, 403, 404):
        return _ACCOUNT
    told = str(content.get("message") or f"it answered {status}")
    return f"Twilio did not take the message: {told}" + (f" (error {code})" if code else "")


def incoming(form: Mapping[str, str]) -> Incoming | None:
    """What a request of the messaging webhook says; None where it is no message."""
    id_, sender, recipient = form.get("MessageSid", ""), form.get("From", ""), form.get("To", "")
    if not (id_ and sender and recipient):
        return None
    channel: Channel = "whatsapp" if sender.startswith(_PREFIX) else "sms"
    return Incoming(
        id=id_,
        channel=channel,
        sender=sender.removeprefix(_PREFIX),
        recipient=recipient.removeprefix(_PREFIX),
        text=form.get("Body", ""),
    )


def is_signed(auth_token: str, urls: Iterable[str], form: Sequence[tuple[str, str]], signature: str) -> bool:
    """Whether Twilio sent this form to one of these URLs."""
    pairs = "".join(name + value for name, value in sorted(set(form)))
    sent = signature.encode()  # texts are compared in ASCII alone, and a header may hold anything
    return any(hmac.compare_digest(sign(auth_token, url, pairs).encode(), sent) for url in urls)


def sign(auth_token: str, url: str, pairs: str) -> str:
    """Twilio's signature of a URL and its form: names and values one after another, in order of the names."""
    # SHA-1 is Twilio's choice; as an HMAC it is sound.
    return b64encode(hmac.new(auth_token.encode(), (url + pairs).encode(), sha1).digest()).decode()


def _form(message: Outgoing) -> dict[str, str]:
    prefix = _PREFIX if message.channel == "whatsapp" else ""
    form = {"To": prefix + message.recipient, "From": prefix + message.sender}
    if message.content_sid:
        form["ContentSid"] = message.content_sid
        if message.content_variables:
            form["ContentVariables"] = json.dumps(dict(message.content_variables), ensure_ascii=False)
    else:
        form["Body"] = message.text
    return form
