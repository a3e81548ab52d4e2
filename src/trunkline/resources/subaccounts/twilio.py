"""Whether an account of Twilio can be reached with what was sent."""

from base64 import b64encode

from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound

_ACCOUNT = "https://api.twilio.com/2010-04-01/Accounts/{sid}.json"
_WITHIN = 5.0


async def is_connected(outbound: Outbound, account_sid: str, auth_token: str) -> bool:
    """Twilio knows the account and takes the token. False also when Twilio cannot be reached from here."""
    basic = b64encode(f"{account_sid}:{auth_token}".encode()).decode()
    try:
        answer = await outbound.send(
            "GET",
            _ACCOUNT.format(sid=account_sid),
            headers={"Authorization": f"Basic {basic}"},
            within=_WITHIN,
        )
    except (OutboundRefused, OutboundFailed):
        return False
    return answer.status == 200
