"""SIPp run on a scenario, with the sound that it plays."""

import random
import re
import socket
import subprocess
from pathlib import Path

import numpy as np
from benchmarks.ports import free_media_port, free_port

from benchmarks import mulaw
from tests.interop.sipp import SOUND


class Sipp:
    """One run of SIPp on a scenario; `port` is its own SIP port."""

    def __init__(
        self,
        folder: Path,
        scenario: str,
        target: str = "",
        calls: int = 1,
        transport: str = "u1",
        codec: str = "pcmu",
        seconds: int = 60,
        port: int = 0,
    ) -> None:
        """`port`: to be called at; 0: any that is free."""
        self.port = port or free_port()
        self._seconds = seconds
        (folder / "scenario.xml").write_text(
            f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="test">\n{scenario}\n</scenario>\n'
        )
        (folder / SOUND).write_bytes(sound(codec))
        media = free_media_port()
        self.errors = folder / "errors.log"
        self._messages = folder / "messages.log"
        options = {
            "-sf": "scenario.xml", "-i": "127.0.0.1", "-p": self.port, "-mp": media, "-t": transport,
            "-m": calls, "-l": calls, "-r": calls, "-timeout": seconds, "-error_file": "errors.log",
            "-message_file": "messages.log",
        }  # fmt: skip
        flat = [str(part) for option in options.items() for part in option]
        self.process = subprocess.Popen(
            [
                "sipp",
                *([target] if target else []),
                *flat,
                "-nostdin",
                "-timeout_error",
                "-trace_err",
                "-trace_msg",
            ],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self) -> None:
        """Wait for the end; every message must have come as the scenario says."""
        try:
            status = self.process.wait(self._seconds + 5)
        finally:
            self.stop()
        complaint = self.errors.read_text() if self.errors.exists() else ""
        assert status == 0, f"SIPp ended with {status}: {complaint[:2000]}"

    def tell(self) -> None:
        """Let a scenario that waits in `told` go on, by a message that no peer of ours sees."""
        (call_id,) = re.findall(r"^Call-ID: *(\S+)", self._messages.read_text(), re.MULTILINE)[:1]
        nonce = random.getrandbits(32)
        message = (
            f"INFO sip:sipp@127.0.0.1:{self.port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{nonce}\r\n"
            f"From: <sip:test@127.0.0.1>;tag={nonce}\r\nTo: <sip:sipp@127.0.0.1>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {nonce} INFO\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(message.encode(), ("127.0.0.1", self.port))

    def stop(self) -> None:
        """End it if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def received(self, method: str) -> list[str]:
        """The requests of a method that came, whole, repetitions too."""
        pattern = rf"message received \[\d+\] bytes :\s+({method} .*?)\n-{{20}}"
        return re.findall(pattern, self._messages.read_text(), re.DOTALL)

    def invites(self) -> set[tuple[str, str]]:
        """The INVITEs that came: Call-ID and user part of the To header, each once however often it was sent."""
        return {
            (_found(r"^Call-ID: *(\S+)", message), _found(r"^To: .*?<sip:([^@>]+)@", message))
            for message in self.received("INVITE")
        }


def _found(pattern: str, message: str) -> str:
    match = re.search(pattern, message, re.MULTILINE | re.IGNORECASE)
    assert match is not None, f"no {pattern} in {message}"
    return match[1].strip()


def tone() -> bytes:
    """Five seconds of 440 Hz, PCM."""
    wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(40000) / 8000)
    return bytes(wave.astype("<i2").tobytes())


def sound(codec: str) -> bytes:
    """The tone in the codec."""
    return mulaw.encode(tone()) if codec == "pcmu" else _alaw(tone())


def _alaw(pcm: bytes) -> bytes:
    """ITU-T G.711 A-law, sample by sample."""
    codes = bytearray()
    for sample in np.frombuffer(pcm, "<i2").tolist():
        sign, size = (0x80, sample) if sample >= 0 else (0, -sample - 1)
        segment = max(0, size.bit_length() - 8)
        step = size >> (4 if segment == 0 else segment + 3) & 0x0F
        codes.append((sign | segment << 4 | step) ^ 0x55)
    return bytes(codes)
