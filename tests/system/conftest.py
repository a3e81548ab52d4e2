"""One platform for all tests of the whole: `trunkline serve` in a process of its own, its providers scripted."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from benchmarks.platform import Running, platform
from benchmarks.ports import free_port, some_rtp_ports

from benchmarks.speech import utterances
from tests.interop import sipp
from tests.interop.sipp_run import Sipp
from tests.system.talk import MAX_CALLS, QUESTION, new_number, place
from trunkline.voice.scripted import Script, ScriptedServer


class House:
    """Starts the platform when it is first needed, and again after a test that stopped it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._started = ExitStack()
        self._running: Running | None = None

    def up(self) -> Running:
        if self._running is None or self._running.supervisor.poll() is not None:
            self.close()
            self._running = self._started.enter_context(platform(self._environment))
        return self._running

    def close(self) -> None:
        self._started.close()


@pytest.fixture(scope="session")
def scripted() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="session")
def house(scripted: ScriptedServer, models_folder: Path) -> Iterator[House]:
    """Only the files of vad and turn: the other models are endpoints."""
    house = House(
        {f"TRUNKLINE_{part}_BASE_URL": scripted.base_url for part in ("LLM", "STT", "TTS")}
        | {
            "TRUNKLINE_MODELS": str(models_folder),
            "TRUNKLINE_RTP_PORTS": some_rtp_ports(),
            "TRUNKLINE_MAX_CALLS": str(MAX_CALLS),
        }
    )
    yield house
    house.close()


@pytest.fixture
def up(house: House, providers: ScriptedServer) -> Running:
    """The platform, ready; its providers play the plain script."""
    return house.up()


@pytest.fixture
def providers(scripted: ScriptedServer) -> ScriptedServer:
    """They hear QUESTION whatever is said; a test may assign another script."""
    scripted.script = Script.model_validate({"stt": {"default": QUESTION}})
    return scripted


@pytest.fixture(scope="session")
def speech() -> bytes:
    """QUESTION spoken, mu-law at 8 kHz."""
    (sound,) = utterances((QUESTION,))
    return sound


@pytest.fixture(scope="session")
def ringing(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Sipp]]:
    """A call that rings for 45 s while other tests run, and who does not pick it up."""
    peer = Sipp(tmp_path_factory.mktemp("ringing"), sipp.ring() + sipp.be_cancelled(90_000), seconds=100)
    up = house.up()
    yield place(up, up.agent(new_number(), "outbound", f"127.0.0.1:{peer.port}"), new_number()), peer
    peer.stop()


@pytest.fixture(scope="session")
def silent(house: House) -> tuple[str, str]:
    """A call to where nobody listens, under way for 32 s while other tests run, and the trunk's host."""
    up, host = house.up(), f"127.0.0.1:{free_port()}"
    return place(up, up.agent(new_number(), "outbound", host), new_number()), host
