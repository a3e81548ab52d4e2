"""Debian's baresip 1.0 as the caller: G.711 and G.722, RTP and SRTP, its sound, its BYE."""

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from benchmarks.ports import free_port

from tests.interop.baresip import CONFIG
from tests.interop.program import Answerer
from tests.interop.sipp_run import tone
from trunkline.voice.lines.halfband import rate_change

pytestmark = pytest.mark.peer("baresip")


@pytest.mark.parametrize(
    ("transport", "codec", "secure"),
    [("udp", "PCMU", ""), ("tcp", "PCMA", ""), ("udp", "G722/16000/1", ""), ("udp", "PCMU", ";mediaenc=srtp-mand"),
     ("tcp", "G722/16000/1", ";mediaenc=srtp")],
)  # fmt: skip
def test_it_calls_speaks_hears_and_hangs_up(tmp_path: Path, transport: str, codec: str, secure: str) -> None:
    rtp = free_port()
    rate = 16_000 if codec.startswith("G722") else 8000
    (tmp_path / "config").write_text(CONFIG.format(sip=free_port(), rtp=rtp, last=rtp + 40, work=tmp_path))
    (tmp_path / "accounts").write_text(
        f"<sip:deb@127.0.0.1;transport={transport}>;regint=0;audio_codecs={codec}{secure}\n"
    )
    (tmp_path / "contacts").touch()
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(rate_change(8000, rate)(tone()))
    with Answerer(mode="echo") as answerer:
        target = f"sip:100@127.0.0.1:{answerer.port};transport={transport}"
        process = subprocess.Popen(
            ["baresip", "-f", str(tmp_path), "-e", f"/dial {target}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            incoming = answerer.wait_for("incoming")
            answerer.hear(16_000)
        finally:
            process.terminate()
            process.wait(30)
        assert (incoming["dialled"], incoming["caller"], incoming["transport"]) == ("100", "deb", transport)
        closed = answerer.wait_for("closed")
    assert (closed["by"], closed["reason"]) == ("remote", "hung_up")
    (heard,) = tmp_path.glob("*dec.wav")
    with wave.open(str(heard)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.count_nonzero(np.abs(pcm.astype(int)) > 500) > rate, "the echo came back"
