"""What each carrier's webhook is answered with, so that it opens a stream to an agent."""

from xml.sax.saxutils import escape, quoteattr

from trunkline.resources.carriers.schemas import CarrierName

_NUMBERS = {"from": "{{From}}", "to": "{{To}}"}
"""Filled in by a TwiML Bin; a program of one's own puts the numbers there itself."""


def url_of(carrier: CarrierName, base: str, token: str) -> str:
    """Twilio takes the query off a URL, so its token travels as a parameter."""
    return base if carrier is CarrierName.TWILIO else f"{base}?token={token}"


def markup(carrier: CarrierName, url: str, token: str) -> str:
    """The answer for its webhook."""
    match carrier:
        case CarrierName.TWILIO:
            stream = f"<Stream url={quoteattr(url)}>{_parameters({'token': token, **_NUMBERS})}</Stream>"
            return f"<Response><Connect>{stream}</Connect></Response>"
        case CarrierName.TELNYX:
            mode = 'bidirectionalMode="rtp" bidirectionalCodec="PCMU" codec="PCMU"'
            return f"<Response><Connect><Stream url={quoteattr(url)} {mode}/></Connect></Response>"
        case CarrierName.PLIVO:
            mode = 'bidirectional="true" keepCallAlive="true" contentType="audio/x-mulaw;rate=8000"'
            return f"<Response><Stream {mode}>{escape(url)}</Stream></Response>"


def _parameters(values: dict[str, str]) -> str:
    return "".join(
        f"<Parameter name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in values.items()
    )
