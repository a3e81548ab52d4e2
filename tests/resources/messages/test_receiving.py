"""`POST /trunkline/v1/messages/twilio/{workspace_id}`: what people write to a number of the workspace's account."""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import select

from tests.resources.api import Api
from tests.resources.messages.account import OURS, THEIRS, connect, write
from trunkline.resources.messages.models import Message
from trunkline.resources.messages.twilio import is_signed, sign


async def stored(api: Api) -> Sequence[Message]:
    async with api.database.workspace(api.workspace.id) as session:
        return (await session.scalars(select(Message))).all()


def test_the_signature_is_the_one_of_the_documentation() -> None:
    # The known answer that tests of Twilio's own libraries have.
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    pairs = "".join(name + form[name] for name in sorted(form))
    assert sign("12345", url, pairs) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_a_signature_may_hold_anything() -> None:
    assert not is_signed("12345", ["https://mycompany.com/"], [], "é")


async def test_a_message_is_kept_once_however_often_it_is_sent(api: Api) -> None:
    await connect(api)
    assert [await write(api, "Yes, please"), await write(api, "Yes, please")] == [200, 200]
    (message,) = await stored(api)
    assert (message.status, message.channel, message.text) == ("received", "sms", "Yes, please")
    assert (message.number_from, message.number_to) == (THEIRS, OURS)


async def test_whatsapp_is_told_by_its_senders(api: Api) -> None:
    await connect(api)
    assert await write(api, "Ja", sender=f"whatsapp:{THEIRS}", recipient=f"whatsapp:{OURS}") == 200
    (message,) = await stored(api)
    assert (message.channel, message.number_from, message.number_to) == ("whatsapp", THEIRS, OURS)


async def test_only_what_is_signed_for_this_workspace_counts(api: Api, stranger: Api) -> None:
    assert await write(api, "nobody has an account") == 403
    await connect(api)
    assert await write(api, "forged", token="another") == 403
    assert await write(api, "elsewhere", base="https://evil.example") == 403
    assert await write(api, "of a stranger", workspace=str(stranger.workspace.id)) == 403
    assert await write(api, "of nobody", workspace=str(uuid4())) == 403
    assert await write(api, "no id", workspace="x") == 404
    assert await stored(api) == []


async def test_a_proxy_that_ends_tls_does_not_break_the_signature(api: Api) -> None:
    await connect(api)
    assert await write(api, "over TLS", base="https://api.test") == 200


async def test_what_is_too_large_is_not_read(api: Api) -> None:
    await connect(api)
    assert await write(api, "x" * 70_000) == 413
