"""Every mode with every other peer: PJSIP, Debian's baresip, through Kamailio with digest; TLS and SRTP with both phones.

The phones speak a file, over and over, and are judged by what they have written down at the end.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.interop import sipp
from tests.interop.baresip import Baresip, words_in, words_so_far, write_words
from tests.interop.certificates import Authority, authority
from tests.interop.house import House, Parties, attach
from tests.interop.kamailio import PASSWORD, Kamailio
from tests.interop.program import Program
from tests.interop.test_transfer_blind import held
from tests.resources.calls.conftest import NUMBER
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.service import PASSWORD_FIELD

pytestmark = pytest.mark.peer("sipp")

MODES = ["warm_transfer", "warm_transfer_with_context"]


@contextmanager
def pjsip(folder: Path, words: str, *further: str) -> Iterator[Program]:
    folder.mkdir()
    write_words(folder / "words.wav", words)
    with Program(
        "tests.interop.pjsip_phone",
        *("--work", str(folder), "--sound", str(folder / "words.wav"), *further),
    ) as program:
        yield program


async def joined(house: House, parties: Parties) -> dict[str, Any]:
    """The caller hears the phone's words, says a word, and hangs up; what the record says of the transfer."""
    await house.until(lambda: house.joined)
    await house.until(lambda: "caller" in parties.caller.heard)
    parties.caller.say("desk " * 8)  # the phone tells nothing before its end
    await house.until(lambda: not parties.caller.speaking)
    parties.calling.tell()
    _, (value,) = await house.finished()
    assert value["status"] == "transfer-success"
    await parties.finish()
    return value


def heard_all(heard: str, mode: str) -> bool:
    return "desk" in heard and "question" in heard and ("refund" in heard) == mode.endswith("context")


@pytest.mark.peer("pjsip")
@pytest.mark.parametrize("mode", MODES)
async def test_pjsip_takes_the_call(
    house: House, parties: Parties, agent: Agent, tmp_path: Path, mode: str
) -> None:
    with pjsip(tmp_path / "phone", "caller") as phone:
        port = phone.wait_for("ready")["port"]
        await attach(house, agent, phone=f"sip:phone@127.0.0.1:{port}", transfer_mode=mode)
        await parties.call()
        await joined(house, parties)
        phone.wait_for("heard")
    assert heard_all(words_in(tmp_path / "phone" / "heard.wav"), mode)


@pytest.mark.peer("baresip")
@pytest.mark.parametrize("mode", MODES)
async def test_baresip_takes_the_call(
    house: House, parties: Parties, agent: Agent, tmp_path: Path, mode: str
) -> None:
    with Baresip(tmp_path / "phone", "caller") as phone:
        await attach(house, agent, phone=f"sip:deb@127.0.0.1:{phone.port}", transfer_mode=mode)
        await parties.call()
        await joined(house, parties)
    assert heard_all(phone.heard, mode)


async def referred(house: House, parties: Parties) -> None:
    """The phone asked for a person and was sent there by REFER; they hear its words."""
    await house.until(lambda: "person" in parties.person.heard, seconds=25.0)
    _, (value,) = await house.finished()
    assert value["status"] == "transfer-success"
    assert [each["method"] for each in value["attempts"]] == ["refer"]
    parties.called.tell()
    await parties.finish()


@pytest.mark.peer("pjsip")
async def test_pjsip_is_sent_on(house: House, parties: Parties, agent: Agent, tmp_path: Path) -> None:
    await attach(house, agent, phone=parties.listen_and_talk(), transfer_mode="cold_transfer")
    with pjsip(tmp_path / "phone", "person", "--target", f"sip:{NUMBER}@{house.address}"):
        await referred(house, parties)


@pytest.mark.peer("pjsip")
async def test_two_pjsip_phones_are_joined_without_us(house: House, agent: Agent, tmp_path: Path) -> None:

    def heard_by(name: str) -> str:
        return words_so_far(tmp_path / name / "heard.wav")

    with pjsip(tmp_path / "desk", "caller") as desk:
        port = desk.wait_for("ready")["port"]
        await attach(house, agent, phone=f"sip:phone@127.0.0.1:{port}", release_media=True)
        with pjsip(tmp_path / "phone", "person", "--target", f"sip:{NUMBER}@{house.address}") as phone:
            await house.until(lambda: bool(house.host.live()))
            _, (value,) = await house.finished()
            # They talk, and nothing of it passes here.
            await house.until(lambda: "person" in heard_by("desk") and "caller" in heard_by("phone"))
            phone.tell("hang_up")
            phone.wait_for("heard")
            desk.wait_for("heard")
    assert value["status"] == "transfer-success"
    assert [(each["method"], each["status"]) for each in value["attempts"]] == [
        ("dial", "success"),
        ("replaces", "success"),
    ]


@pytest.mark.peer("pjsip")
async def test_a_caller_without_replaces_is_joined_by_us(
    house: House, parties: Parties, agent: Agent, tmp_path: Path
) -> None:
    """SIPp does not say that it supports Replaces, so nothing is asked of it."""
    with pjsip(tmp_path / "phone", "caller") as phone:
        port = phone.wait_for("ready")["port"]
        await attach(house, agent, phone=f"sip:phone@127.0.0.1:{port}", release_media=True)
        await parties.call(held(parties, "") + sipp.hang_up_when_told(2, NUMBER))
        value = await joined(house, parties)
        phone.wait_for("heard")
    _, replaces = value["attempts"]
    assert (replaces["method"], replaces["status"]) == ("replaces", "failed")
    assert heard_all(words_in(tmp_path / "phone" / "heard.wav"), "warm_transfer")


@pytest.mark.peer("baresip")
async def test_baresip_is_sent_on(house: House, parties: Parties, agent: Agent, tmp_path: Path) -> None:
    await attach(house, agent, phone=parties.listen_and_talk(), transfer_mode="cold_transfer")
    with Baresip(tmp_path / "phone", "person", dial=f"sip:{NUMBER}@{house.address}"):
        await referred(house, parties)


@pytest.mark.peer("kamailio")
@pytest.mark.peer("baresip")
@pytest.mark.parametrize("mode", [*MODES, "cold_transfer"])
async def test_through_a_trunk_that_asks_for_a_password(
    house: House, parties: Parties, agent: Agent, box: SecretBox, tmp_path: Path, mode: str
) -> None:
    """The extension 1001 has registered at Kamailio; the number's trunk is Kamailio, which challenges the INVITE."""
    with Kamailio(tmp_path, challenges=True) as trunk:
        await lead_out(house, agent, box, trunk)
        account = f"<sip:1001@{trunk.host}>;auth_pass={PASSWORD};regint=60"
        with Baresip(tmp_path / "phone", "caller", account=account) as phone:
            await house.until(lambda: ("1001", 60) in trunk.registers())
            await attach(house, agent, phone="1001", transfer_mode=mode)
            cold = mode == "cold_transfer"
            refusal = held(parties, sipp.refuse_refer(405, "Method Not Allowed")) if cold else ""
            await parties.call(refusal + sipp.hang_up_when_told(2, NUMBER))
            await joined(house, parties)
        assert "desk" in phone.heard if cold else heard_all(phone.heard, mode)


async def lead_out(house: House, agent: Agent, box: SecretBox, trunk: Kamailio) -> None:
    """Calls from the agent's number go out through this trunk."""
    sealed = box.seal(agent.workspace_id, PASSWORD_FIELD, PASSWORD)
    way = {"termination_uri": trunk.host, "trunk_username": "alice", "trunk_password_encrypted": sealed}
    async with house.database.workspace(agent.workspace_id) as session:
        await session.execute(update(Number).where(Number.number == NUMBER).values(way))


# ---- TLS and SRTP ----


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    return made


@pytest.fixture
async def secure_house(
    signed: Authority, database: Database, live: LiveCalls, tmp_path: Path
) -> AsyncIterator[House]:
    """It believes in the authority."""
    made = House(database, live, tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.mark.peer("pjsip")
async def test_pjsip_over_tls_with_srtp(
    secure_house: House, signed: Authority, agent: Agent, tmp_path: Path
) -> None:
    files = (str(signed.server.chain), str(signed.server.key), str(signed.certificate))
    secure = ("--transport", "tls", "--srtp", "mandatory", "--certificate", *files)
    with Parties(secure_house, tmp_path) as parties, pjsip(tmp_path / "phone", "caller", *secure) as phone:
        port = phone.wait_for("ready")["port"]
        await attach(secure_house, agent, phone=f"sips:phone@localhost:{port}")
        await parties.call()
        await joined(secure_house, parties)
        assert phone.wait_for("media")["srtp"]
        phone.wait_for("heard")
    assert heard_all(words_in(tmp_path / "phone" / "heard.wav"), "warm_transfer")


@pytest.mark.peer("baresip")
async def test_baresip_over_tls_with_srtp(
    secure_house: House, signed: Authority, agent: Agent, tmp_path: Path
) -> None:
    account = "<sip:deb@127.0.0.1;transport=tls>;regint=0;mediaenc=srtp-mand"
    with (
        Parties(secure_house, tmp_path) as parties,
        Baresip(tmp_path / "phone", "caller", account=account, signed=signed) as phone,
    ):
        await attach(secure_house, agent, phone=f"sips:deb@127.0.0.1:{phone.port + 1}")
        await parties.call()
        await joined(secure_house, parties)
    assert heard_all(phone.heard, "warm_transfer")
