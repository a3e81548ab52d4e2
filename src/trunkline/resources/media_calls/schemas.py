"""Media calls on the wire; unlike the rest of the contract they are written in camelCase."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.calls.phone import target
from trunkline.voice.lines.codecs import CodecName
from trunkline.voice.lines.framing import FramingName

_CAMEL = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)
Party = Annotated[str, AfterValidator(target), Field(examples=["+14155552671"])]
"""A number in E.164 or a SIP URI."""


class MediaCallCreate(WireInput):
    """A test call whose sound comes over a WebSocket; nobody is dialled."""

    model_config = _CAMEL | example(
        modelId="2f1c0f9e-6d0b-4a53-9f6e-0a1f3a0d9b11",
        fromPhoneNumber="+14155550100",
        toPhoneNumber="+14155552671",
        wsMediaCodec="pcmu",
    )

    model_id: Annotated[str, Field(examples=["2f1c0f9e-6d0b-4a53-9f6e-0a1f3a0d9b11"])]
    from_phone_number: Party
    to_phone_number: Party
    lead_name: str = ""
    agent_version: Annotated[str | None, Field(examples=["3"])] = None
    """`draft` or a version of the agent; left out: the live one. Agents have no drafts here, so `draft` is live too."""
    ws_media_codec: CodecName = CodecName.OPUS
    ws_media_framing: FramingName = FramingName.RTP
    ws_media_server_name: str = ""
    """The `server-name` of a connection that is open already and that the call is to be bound to."""


class MediaCallOut(Wire):
    """Where the call waits, for a minute."""

    model_config = _CAMEL

    call_id: str
    sid: str
    """For the bind message; "" when `wsMediaUrl` is to be opened."""
    ws_media_url: Annotated[str, Field(examples=["ws://127.0.0.1:8010/media/Vx3..."])]


class MediaCallFailed(Wire):
    """The media host would not take the call."""

    model_config = _CAMEL

    call_id: str
    error: str


class MediaBaseUrl(Wire):
    """The WebSocket that tells its server's name and waits for a bind."""

    model_config = _CAMEL

    ws_media_base_url: Annotated[str, Field(examples=["ws://127.0.0.1:8010/media"])]
