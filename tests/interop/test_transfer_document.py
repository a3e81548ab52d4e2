"""The commands of docs/sip-transfer.md do what it says."""

import asyncio
import json
import re
import shlex
from pathlib import Path

import pytest
from benchmarks.ports import free_port

from tests.interop.house import House, Parties, attach
from tests.resources.api import Api
from tests.resources.conftest import api  # noqa: F401 - a fixture
from trunkline.resources.agents.models import Agent

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sip-transfer.md").read_text()
COMMANDS = re.findall(r"^ {4}((?:curl|sipp)\b.*(?:\n {6}.*)*)", DOCUMENT, re.MULTILINE)


def command(start: str) -> list[str]:
    """The words of the only command that holds this text."""
    (found,) = [each for each in COMMANDS if start in each]
    return shlex.split(found.replace("\\\n", " "))


def sent(words: list[str], **filled: str) -> tuple[str, str, dict[str, object]]:
    """What a curl command would send: method, path, and its JSON with places filled."""
    (address,) = [word for word in words if word.startswith("$API")]
    path = address.removeprefix("$API")
    body = words[words.index("-d") + 1] if "-d" in words else "{}"
    for name, value in filled.items():
        path, body = path.replace(f"${name.upper()}", value), body.replace(f"<{name}>", value)
    return ("POST" if "-d" in words else "GET"), path, json.loads(body)


async def test_a_transfer_is_made_and_attached(api: Api) -> None:  # noqa: F811 - the fixture
    body = {"type": "inbound", "name": "A", "agent": {"prompt": "Help."}}
    agent = (await api.send("POST", "/v2/assistants", json=body))["response"]["model_id"]
    method, path, action = sent(command("LIVE_TRANSFER"))
    made = (await api.send(method, path, json=action))["response"]["action_id"]
    method, path, attached = sent(command("/actions/attach"), agent=agent, action_id=made)
    await api.send(method, path, json=attached)
    shown = await api.send("GET", f"/v2/actions/{made}?include_assistants=true")
    assert shown["response"]["actions"][0]["assistants"] == [agent]


async def test_calls_are_read_and_sent_on(api: Api) -> None:  # noqa: F811 - the fixture
    unknown = "6f2f6d7e-0f2b-4d3c-9a53-1b7c5a2f4e11"
    reading, order = command("/v2/calls/$CALL"), command("/transfer -d")
    for words in (reading, order):
        method, path, body = sent(words, call=unknown)
        await api.refused(method, path, 404, **({"json": body} if body else {}))


@pytest.mark.peer("sipp")
async def test_the_person_of_the_document_takes_the_call(
    house: House, parties: Parties, agent: Agent, tmp_path: Path
) -> None:
    port = str(free_port())
    words = [port if word == "5090" else word for word in command("sipp -sn uas")]
    person = await asyncio.create_subprocess_exec(
        *words, cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await attach(house, agent, phone=f"sip:desk@127.0.0.1:{port}", human_detection=False)
        await parties.call()
        await house.until(lambda: house.joined)
        parties.calling.tell()
        _, (value,) = await house.finished()
        assert value["status"] == "transfer-success"
        await asyncio.wait_for(person.wait(), 10)
    finally:
        if person.returncode is None:
            person.kill()
            await person.wait()
