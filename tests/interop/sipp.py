"""SIPp scenarios, put together from their messages."""

import re

SOUND = "caller.raw"
PAYLOADS = {"pcmu": 0, "pcma": 8}

_UAC_HEADERS = """From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]
To: <sip:{user}@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: {number} {method}
Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
X-Agent-Id: sales-7"""
_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_UAS_HEADERS = "[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]"


def secure_sdp(key: str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz") -> str:
    """An offer of SRTP and nothing else (RFC 4568)."""
    crypto = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\n"
    return sdp().replace("RTP/AVP", "RTP/SAVP") + crypto


def sdp(
    codec: str = "pcmu",
    direction: str = "sendrecv",
    version: int = 1,
    port: int | str = "[rtpstream_audio_port]",
) -> str:
    """`port`: where sound is sent to; another than SIPp's own when a `Handset` speaks and hears in its place."""
    payload = PAYLOADS[codec]
    return f"""v=0
o=user1 53655765 {version} IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio {port} RTP/AVP {payload} 101
a=rtpmap:{payload} {codec.upper()}/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a={direction}
"""


def _send(first: str, headers: str, body: str = "", retransmit: bool = True, kind: str = "sdp") -> str:
    content = f"Content-Type: application/{kind}\n" if body else ""
    again = ' retrans="500"' if retransmit else ""
    return f"<send{again}><![CDATA[\n{first}\n{headers}\n{content}Content-Length: [len]\n\n{body}\n]]></send>"


# ---- as the caller ----


def invite(user: str = "100", body: str | None = None, number: int = 1) -> str:
    again = number > 1
    headers = _UAC_HEADERS.format(
        user=user, tag="[peer_tag_param]" if again else "", number=number, method="INVITE"
    )
    uri = "[next_url]" if again else f"sip:{user}@[remote_ip]:[remote_port]"
    return _send(f"INVITE {uri} SIP/2.0", f"{_VIA}\n{headers}", sdp() if body is None else body)


def ack(user: str = "100", number: int = 1) -> str:
    headers = _UAC_HEADERS.format(user=user, tag="[peer_tag_param]", number=number, method="ACK")
    return _send("ACK [next_url] SIP/2.0", f"{_VIA}\n{headers}", retransmit=False)


def refused(user: str, status: int) -> str:
    """What a caller that expects to be refused receives and sends."""
    headers = _UAC_HEADERS.format(user=user, tag="[peer_tag_param]", number=1, method="ACK")
    via = "[last_Via:]"
    return (
        provisional()
        + f'<recv response="{status}"/>'
        + _send(f"ACK sip:{user}@[remote_ip]:[remote_port] SIP/2.0", f"{via}\n{headers}", retransmit=False)
    )


def cancel(user: str = "100") -> str:
    headers = _UAC_HEADERS.format(user=user, tag="", number=1, method="CANCEL")
    return _send(f"CANCEL sip:{user}@[remote_ip]:[remote_port] SIP/2.0", f"[last_Via:]\n{headers}")


def bye(user: str = "100", number: int = 2) -> str:
    headers = _UAC_HEADERS.format(user=user, tag="[peer_tag_param]", number=number, method="BYE")
    return _send("BYE [next_url] SIP/2.0", f"{_VIA}\n{headers}") + '<recv response="200"/>'


def update(number: int, user: str = "100") -> str:
    """A refresh of the session without SDP (RFC 4028, 7.4)."""
    headers = _UAC_HEADERS.format(user=user, tag="[peer_tag_param]", number=number, method="UPDATE")
    headers += "\nSupported: timer\nSession-Expires: 90;refresher=uac"
    return _send("UPDATE [next_url] SIP/2.0", f"{_VIA}\n{headers}") + '<recv response="200"/>'


def press(key: str, user: str = "100", number: int = 2) -> str:
    """A key by SIP INFO."""
    headers = _UAC_HEADERS.format(user=user, tag="[peer_tag_param]", number=number, method="INFO")
    body = f"Signal={key}\nDuration=160\n"
    return _send("INFO [next_url] SIP/2.0", f"{_VIA}\n{headers}", body, kind="dtmf-relay") + (
        '<recv response="200"/>'
    )


def be_referred(target: str) -> str:
    """A REFER to this target comes and is taken; what comes of it is told by `notify`."""
    found = f'<ereg regexp="Refer-To:[^a-z]*{target}" search_in="msg" check_it="true" assign_to="to"/>'
    headers = (
        _UAS_HEADERS.format(tag="") + "\nContact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>"
    )
    return (
        f'<recv request="REFER"><action>{found}</action></recv><Reference variables="to"/>'
        + _send("SIP/2.0 202 Accepted", headers, retransmit=False)
    )  # fmt: skip


def be_referred_and_held(target: str, port: int) -> str:
    """The hold is refused with 491, so it is asked for again 0 to 2 s later (RFC 3261, 14.1), before the REFER, after it
    or at the same time; both are taken, in whatever order they come."""
    contact = "\nContact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>"
    held = _send(
        "SIP/2.0 200 OK",
        _UAS_HEADERS.format(tag="") + contact,
        sdp(direction="recvonly", version=2, port=port),
    )
    refer, accepted = be_referred(target).split("<send", 1)
    return (
        reinvited(port, "recvonly", 491)
        + '<recv request="INVITE" optional="true" next="1"/>'
        + be_referred(target)
        + f'<recv request="INVITE"/>{held}<recv request="ACK" next="3"/>'
        + f'<label id="1"/>{held}'
        + refer.replace('"REFER"', '"REFER" optional="true" next="2"')
        + '<recv request="ACK"/>'
        + f'{refer}<send next="3"{accepted}'
        + f'<label id="2"/><send{accepted}<recv request="ACK"/><label id="3"/>'
    )


def refuse_refer(status: int, words: str) -> str:
    """A REFER comes and is not taken."""
    return '<recv request="REFER"/>' + _send(
        f"SIP/2.0 {status} {words}", _UAS_HEADERS.format(tag=""), retransmit=False
    )


def notify(status: int, words: str, number: int, user: str = "100") -> str:
    """How the call that we were asked to make goes."""
    state = "active" if status < 200 else "terminated;reason=noresource"
    headers = _UAC_HEADERS.format(user=user, tag="[peer_tag_param]", number=number, method="NOTIFY")
    headers += f"\nEvent: refer\nSubscription-State: {state}\nContent-Type: message/sipfrag"
    body = f"SIP/2.0 {status} {words}\n"
    return (
        f"<send><![CDATA[\nNOTIFY [next_url] SIP/2.0\n{_VIA}\n{headers}\nContent-Length: [len]\n\n{body}]]></send>"
        '<recv response="200"/>'
    )


def provisional() -> str:
    return '<recv response="100" optional="true"/><recv response="180" optional="true"/>'


def answered() -> str:
    return provisional() + '<recv response="200" rrs="true"/>'


def speak(codec: str = "pcmu") -> str:
    return f'<nop><action><exec rtp_stream="{SOUND},-1,{PAYLOADS[codec]}"/></action></nop>'


def hush() -> str:
    """Send no more RTP."""
    return '<nop><action><exec rtp_stream="pause"/></action></nop>'


def speak_again() -> str:
    return '<nop><action><exec rtp_stream="resume"/></action></nop>'


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


# ---- as the one who is called ----


def ring() -> str:
    return (
        '<recv request="INVITE" rrs="true"/>'
        + _reply(100, "Trying", tagged=False)
        + _reply(180, "Ringing")
    )  # fmt: skip


def challenge(username: str, password: str) -> str:
    """401, and then the INVITE with digest credentials that must be right (SIPp checks no Proxy-Authorization)."""
    realm = 'WWW-Authenticate: Digest realm="peer", nonce="47364c23432d2e131a5fb210812c", algorithm=MD5'
    verify = f'<verifyauth assign_to="right" username="{username}" password="{password}"/>'
    return (
        '<recv request="INVITE"/>'
        + _reply(401, "Unauthorized", extra=f"\n{realm}")
        + '<recv request="ACK"/>'
        + f'<recv request="INVITE" rrs="true"><action>{verify}</action></recv>'
        + '<nop condexec="right" condexec_inverse="true"><action><error message="wrong credentials"/></action></nop>'
        + '<Reference variables="right"/>'
    )


def progress() -> str:
    """183 with sound before the answer."""
    return '<recv request="INVITE" rrs="true"/>' + _reply(183, "Session Progress", sdp()) + speak()


def pick_up(codec: str = "pcmu", body: str | None = None) -> str:
    return _reply(200, "OK", sdp(codec) if body is None else body) + '<recv request="ACK"/>'


def refuse(status: int, words: str, contact: str = "") -> str:
    """`contact`: of a 3xx, where to go instead."""
    refusal = _reply(status, words)
    if contact:
        refusal = re.sub(r"Contact: .*", f"Contact: <{contact}>", refusal)
    return refusal + '<recv request="ACK"/>'


def be_cancelled(within_ms: int = 40_000) -> str:
    return (
        f'<recv request="CANCEL" timeout="{within_ms}"/>'
        + _reply(200, "OK")
        + _reply(487, "Request Terminated", sequence="INVITE")
        + '<recv request="ACK"/>'
    )


def be_hung_up() -> str:
    return '<recv request="BYE" timeout="40000"/>' + _reply(200, "OK", tagged=False)


def _reply(
    status: int, words: str, body: str = "", tagged: bool = True, sequence: str = "", extra: str = ""
) -> str:
    headers = _UAS_HEADERS.format(tag=";tag=[pid]T[call_number]" if tagged else "")
    if sequence:
        headers = headers.replace("[last_CSeq:]", f"CSeq: [cseq] {sequence}")
    contact = "\nContact: <sip:[local_ip]:[local_port];transport=[transport]>"
    return _send(f"SIP/2.0 {status} {words}", headers + contact + extra, body, retransmit=False)


def called() -> str:
    """An INVITE comes; who calls is kept, so that we can send requests of our own (`hang_up_when_told`)."""
    kept = "".join(
        f'<ereg regexp=".*" search_in="hdr" header="{name}:" assign_to="{name.lower()}"/>'
        for name in ("From", "To")
    )
    return (
        f'<recv request="INVITE" rrs="true"><action>{kept}</action></recv><Reference variables="from,to"/>'
        + _reply(100, "Trying", tagged=False)
        + _reply(180, "Ringing")
    )  # fmt: skip


def reinvited(port: int, direction: str, status: int = 200) -> str:
    """The other side changes the session: hold, or back; it is let, or refused with the status."""
    if status != 200:
        refusal = _send(f"SIP/2.0 {status} No", _UAS_HEADERS.format(tag=""))
        return f'<recv request="INVITE"/>{refusal}<recv request="ACK"/>'
    contact = "\nContact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>"
    body = sdp(direction=direction, version=2, port=port)
    return (
        '<recv request="INVITE"/>'
        + pause(150)  # what is sent before our answer breaks the scenario, as it would confuse a real phone
        + _send("SIP/2.0 200 OK", _UAS_HEADERS.format(tag="") + contact, body)
        + '<recv request="ACK"/>'
    )


def connected_identity(name: str, number: int = 1) -> str:
    """UPDATE by who was `called`: another has taken the call (RFC 4916)."""
    return _of_the_called("UPDATE", number, f"\nP-Asserted-Identity: <sip:{name}@127.0.0.1>")


def hold_back(port: int, direction: str, number: int) -> str:
    """re-INVITE by who was `called`."""
    body = sdp(direction=direction, version=number + 1, port=port)
    return _of_the_called("INVITE", number, body=body) + _of_the_called("ACK", number, reply=False)


def _of_the_called(method: str, number: int, extra: str = "", body: str = "", reply: bool = True) -> str:
    headers = (
        f"{_VIA}\nFrom:[$to];tag=[pid]T[call_number]\nTo:[$from]\nCall-ID: [call_id]\nCSeq: {number} {method}\n"
        f"Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>\nMax-Forwards: 70{extra}"
    )
    sent = _send(f"{method} [next_url] SIP/2.0", headers, body, retransmit=reply)
    return sent + (provisional() + '<recv response="200"/>' if reply else "")


# ---- either ----


def told(within_ms: int = 50_000) -> str:
    """Goes on after `Sipp.tell`."""
    return f'<recv request="INFO" timeout="{within_ms}"/>'


def hang_up_when_told(number: int = 0, user: str = "100") -> str:
    """Talk until `Sipp.tell`, then send BYE; or until the other side does. `number`: CSeq of the caller's BYE; 0 when
    we were called (by `called`)."""
    if number:
        farewell = bye(user, number)
    else:
        headers = f"{_VIA}\nFrom:[$to];tag=[pid]T[call_number]\nTo:[$from]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70"
        farewell = _send("BYE [next_url] SIP/2.0", headers) + '<recv response="200"/>'
    return (
        '<recv request="BYE" optional="true" next="1"/>'
        + told()
        + farewell.replace('<recv response="200"/>', '<recv response="200" next="2"/>')
        + '<label id="1"/>'
        + _reply(200, "OK", tagged=False)
        + '<label id="2"/><pause milliseconds="1"/>'
    )
