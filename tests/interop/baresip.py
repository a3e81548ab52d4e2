"""Debian's baresip as a telephone that speaks a file and writes down what it hears."""

import socket
import subprocess
import time
import wave
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from benchmarks.ports import free_media_port, free_port

from tests.interop.certificates import Authority
from trunkline.voice.speech import tones

CONFIG = """
module_path /usr/lib/baresip/modules
module g711.so
module g722.so
module srtp.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
net_interface 127.0.0.1
sip_listen 127.0.0.1:{sip}
rtp_ports {rtp}-{last}
audio_source aufile,{work}/tone.wav
audio_player aubridge,pseudo0
audio_alert aubridge,pseudo1
snd_path {work}
"""

RATE = 8000


def write_words(path: Path, words: str, seconds: float = 30.0) -> None:
    """A WAV that says the words as tones, again and again."""
    once = tones.speak(words, RATE) + bytes(2 * RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(once * max(1, int(seconds * 2 * RATE) // len(once)))


def words_in(path: Path) -> str:
    """What such tones say in a WAV."""
    with wave.open(str(path)) as file:
        return tones.hear(file.readframes(file.getnframes()), file.getframerate())


def words_so_far(path: Path) -> str:
    """The same of one that is still being written, whose header does not know its length yet."""
    wav = path.read_bytes() if path.exists() else b""
    rate = int.from_bytes(wav[24:28], "little")
    return tones.hear(wav[44 : len(wav) // 2 * 2], rate) if rate else ""


class Baresip:
    """Runs for as long as the block does; answers whoever calls, or dials."""

    def __init__(
        self, folder: Path, words: str, dial: str = "", account: str = "", signed: Authority | None = None
    ) -> None:
        """`account`: address and parameters of its own; `signed`: for TLS, on the port after `port`."""
        self.port = free_port()
        self._folder = folder
        folder.mkdir()
        rtp = free_media_port()
        config = CONFIG.format(sip=self.port, rtp=rtp, last=rtp + 3, work=folder)
        config = config.replace("tone.wav", "words.wav")
        if signed is not None:
            (folder / "own.pem").write_bytes(
                signed.server.chain.read_bytes() + signed.server.key.read_bytes()
            )
            config += f"sip_certificate {folder}/own.pem\nsip_cafile {signed.certificate}\n"
        write_words(folder / "words.wav", words)
        (folder / "config").write_text(config)
        account = account or "<sip:deb@127.0.0.1>;regint=0"
        (folder / "accounts").write_text(f"{account};answermode=auto;audio_codecs=PCMU\n")
        (folder / "contacts").touch()
        self._command = ["baresip", "-f", str(folder), *(["-e", f"/dial {dial}"] if dial else [])]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def heard(self) -> str:
        """Every word of its calls that have ended."""
        return " ".join(words_in(path) for path in sorted(self._folder.glob("*dec.wav")))

    def __enter__(self) -> "Baresip":
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder
            )
        for _ in range(600):
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
