"""The measuring caller's side of a SIP dialog, message by message."""

from benchmarks.uac import GIVE_UP, T1, Dialog, Message, Phase

LOCAL = ("127.0.0.1", 5090)
SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 20000 RTP/AVP 0\r\n"


def parsed(datagram: bytes) -> Message:
    message = Message.parse(datagram)
    assert message is not None
    return message


def response(
    request: Message, status: int, body: str = "", contact: str = "<sip:agent@127.0.0.1:5070>"
) -> Message:
    headers = {
        **request.headers,
        "to": [request.one("to").partition(";tag")[0] + ";tag=them"],
        "contact": [contact],
    }
    return Message(request.method, status, headers, body)


def calling() -> tuple[Dialog, Message]:
    dialog = Dialog("sip:100@127.0.0.1:5070", LOCAL, 40000, extra_headers={"X-Test": "1"})
    return dialog, parsed(dialog.invite(0.0))


def test_invite_offers_mulaw_and_keys() -> None:
    _, invite = calling()
    assert invite.method == "INVITE"
    assert invite.one("x-test") == "1"
    assert "m=audio 40000 RTP/AVP 0 101" in invite.body
    assert int(invite.one("content-length")) == len(invite.body)


def test_answer_is_acknowledged_each_time_it_comes() -> None:
    dialog, invite = calling()
    assert list(dialog.receive(response(invite, 180))) == []
    assert dialog.phase is Phase.RINGING
    for _ in range(2):
        (ack,) = (parsed(sent) for sent in dialog.receive(response(invite, 200, SDP)))
        assert (ack.method, ack.one("cseq")) == ("ACK", "1 ACK")
        assert ack.one("to").endswith(";tag=them")
    assert (dialog.phase, dialog.media) == (Phase.UP, ("127.0.0.1", 20000))


def test_bye_goes_to_the_contact_and_ends() -> None:
    dialog, invite = calling()
    list(dialog.receive(response(invite, 200, SDP)))
    sent = dialog.bye(1.0)
    assert sent.startswith(b"BYE sip:agent@127.0.0.1:5070 ")
    bye = parsed(sent)
    assert bye.one("cseq") == "2 BYE"
    list(dialog.receive(response(bye, 200)))
    assert dialog.phase is Phase.ENDED


def test_refusal_is_acknowledged_in_the_same_transaction() -> None:
    dialog, invite = calling()
    (sent,) = dialog.receive(response(invite, 486))
    ack = parsed(sent)
    assert ack.one("via") == invite.one("via")
    assert sent.startswith(b"ACK sip:100@127.0.0.1:5070 ")
    assert (dialog.phase, dialog.status) == (Phase.ENDED, 486)


def test_cancel_is_in_the_transaction_of_the_invite() -> None:
    dialog, invite = calling()
    cancel = parsed(dialog.cancel())
    assert (cancel.method, cancel.one("via")) == ("CANCEL", invite.one("via"))
    assert cancel.one("cseq") == "1 CANCEL"


def test_without_an_answer_it_repeats_slower_and_gives_up() -> None:
    dialog, _ = calling()
    assert list(dialog.due(T1 - 0.01)) == []
    assert len(list(dialog.due(T1))) == 1
    assert list(dialog.due(2 * T1)) == []
    assert len(list(dialog.due(3 * T1))) == 1
    list(dialog.due(GIVE_UP))
    assert (dialog.phase, dialog.status) == (Phase.ENDED, 408)


def test_their_bye_and_reinvite_are_answered() -> None:
    dialog, invite = calling()
    list(dialog.receive(response(invite, 200, SDP)))
    headers = {**invite.headers, "cseq": ["7 INVITE"]}
    (sent,) = dialog.receive(Message("INVITE", 0, headers, SDP.replace("20000", "20002")))
    assert parsed(sent).one("cseq") == "7 INVITE"
    assert dialog.media == ("127.0.0.1", 20002)
    (sent,) = dialog.receive(Message("BYE", 0, {**invite.headers, "cseq": ["8 BYE"]}, ""))
    assert sent.startswith(b"SIP/2.0 200 OK\r\n")
    assert (dialog.phase, dialog.ended_by_them) == (Phase.ENDED, True)


def test_what_is_not_sip_is_none() -> None:
    assert Message.parse(b"\x00\xffhello") is None
    assert Message.parse(b"SIP/2.0 200 OK\r\n\r\n") is None
