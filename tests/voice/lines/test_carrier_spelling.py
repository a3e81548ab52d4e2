"""What each carrier writes, read into its parts: starts, media, signatures, keys."""

import json

import pytest

from tests.voice.lines.carriers import (
    SPELLINGS,
    PlivoSpelling,
    Spelling,
    TelnyxSpelling,
    TwilioSpelling,
    begun,
)
from tests.voice.lines.contract import TONE
from trunkline.voice import g711
from trunkline.voice.lines.carrier import Carrier
from trunkline.voice.lines.framing import Sound
from trunkline.voice.lines.plivo import Plivo
from trunkline.voice.lines.telnyx import Telnyx
from trunkline.voice.lines.twilio import Twilio, signature


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_parameters_come_through(spelling: type[Spelling]) -> None:
    start = begun(spelling(), {"from": "+15550199", "token": "t.1"})
    assert start.parameters == {"from": "+15550199", "token": "t.1"}
    assert start.call_id in (TwilioSpelling.call, TelnyxSpelling.call, PlivoSpelling.call)


def test_telnyx_tells_the_numbers() -> None:
    start = begun(TelnyxSpelling())
    assert (start.caller, start.dialled) == ("+13122010094", "+13122123456")


def test_telnyx_may_send_a_law() -> None:
    spelling = TelnyxSpelling()
    spelling.encoding = "PCMA"
    coder = begun(spelling).codec
    assert coder.decode(g711.pcm_to_alaw(TONE)) == g711.alaw_to_pcm(g711.pcm_to_alaw(TONE))
    assert coder.encode(TONE) == g711.pcm_to_ulaw(TONE)


def test_plivo_may_send_pcm() -> None:
    (message,) = PlivoSpelling().begin({})
    message["start"]["mediaFormat"] = {"encoding": "audio/x-l16", "sampleRate": 16_000}
    start = Plivo().start(json.dumps(message))
    assert start is not None
    assert start.codec.rate == 16_000
    sent = json.loads(start.framing.sound(start.codec.encode(TONE)))
    assert sent["media"]["contentType"] == "audio/x-l16"
    assert sent["media"]["sampleRate"] == 16_000
    assert start.codec.decode(TONE + b"\0") == TONE


@pytest.mark.parametrize(
    ("carrier", "message"),
    [
        (
            Twilio(),
            {"event": "start", "start": {"mediaFormat": {"encoding": "audio/opus", "sampleRate": 8000}}},
        ),
        (Twilio(), {"event": "start"}),
        (Telnyx(), {"event": "start", "start": {"media_format": {"encoding": "G722", "sample_rate": 8000}}}),
        (Plivo(), {"event": "start", "start": {"mediaFormat": {"encoding": "audio/x-l16", "sampleRate": 1}}}),
    ],
)
def test_a_stream_that_we_cannot_carry_is_refused(carrier: Carrier, message: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"stream|missing"):
        carrier.start(json.dumps(message))


def test_our_own_sound_is_not_heard() -> None:
    framing = begun(TelnyxSpelling()).framing
    media = {"event": "media", "media": {"track": "outbound", "payload": "AAAA"}}
    assert framing.read(json.dumps(media)) is None
    media["media"] = {"track": "inbound", "payload": "AAAA"}
    assert framing.read(json.dumps(media)) == Sound(bytes(3))


@pytest.mark.parametrize(
    ("media", "heard"),
    [
        ('{"track":"inbound","payload":"AAAA"}', Sound(bytes(3))),
        ('{"payload":"AAAA","track":"inbound"}', Sound(bytes(3))),
        (r'{"track":"inbound","payload":"\/\/\/\/"}', Sound(b"\xff" * 3)),
        ('{"track":"outbound","payload":"AAAA"}', None),
        (r'{"track":"outb\u006fund","payload":"AAAA"}', None),
        ('{"payload":"//8A","payload":"AAAA"}', Sound(bytes(3))),
    ],
    ids=["usual", "other order", "escaped", "ours", "ours, escaped", "twice"],
)
def test_a_short_way_of_reading_says_what_json_does(media: str, heard: Sound | None) -> None:
    framing = begun(TwilioSpelling()).framing
    for message in (f'{{"event":"media","media":{media}}}', f'{{"event": "media", "media": {media}}}'):
        assert framing.read(message) == heard


@pytest.mark.parametrize(
    "payload", ['"AAA"', '"A?AA"', "7", '"AAAA'], ids=["cut", "no base64", "no text", "no JSON"]
)
def test_media_that_makes_no_sense_is_refused_the_short_way_too(payload: str) -> None:
    framing = begun(TwilioSpelling()).framing
    with pytest.raises(ValueError, match=r"."):
        framing.read(f'{{"event":"media","media":{{"payload":{payload}}}}}')


def test_the_signature_is_twilios() -> None:
    # By openssl: dgst -sha1 -hmac 12345 -binary | base64
    url = "wss://voice.example.com/trunkline/v1/lines/twilio/x"
    assert signature("12345", url) == "6USILS53sOXcylbKlPKYB3g2S9k="
