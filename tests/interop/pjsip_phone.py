"""A telephone on PJSIP, in a process of its own (GPL: a peer of the tests, never part of the product).

    python -m tests.interop.pjsip_phone --work FOLDER [--target sip:…] [--transport udp|tcp|tls] [--codec NAME]
        [--srtp off|optional|mandatory] [--certificate CHAIN KEY AUTHORITY] [--sound FILE]

Without a target it answers one call on the port it prints. Commands on stdin, events on stdout, as JSON lines. It
speaks a tone of 440 Hz (or FILE) and writes down what it hears in FOLDER/heard.wav, judged at the end of the call.
PJSIP runs single-threaded here: nothing of it is touched from another thread.
"""

import argparse
import json
import os
import queue
import sys
import threading
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pjsua2 as pj

RATE = 8000


def say(event: str, **data: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **data}) + "\n")
    sys.stdout.flush()


class PhoneCall(pj.Call):  # type: ignore[misc]
    """One call, with a player and a recorder on its sound."""

    def __init__(self, phone: "Phone", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.over = False
        self.successor: PhoneCall | None = None
        """The call that came, or that we were asked to make, in place of this one."""

    def onCallTransferRequest(self, prm: object) -> None:
        self.successor = PhoneCall(self.phone)
        prm.newCall = self.successor  # type: ignore[attr-defined]

    def onCallReplaced(self, prm: object) -> None:
        self.successor = PhoneCall(self.phone, prm.newCallId)  # type: ignore[attr-defined]

    def onCallState(self, prm: object) -> None:
        info = self.getInfo()
        say("state", state=info.stateText, code=int(info.lastStatusCode))
        self.over = info.state == pj.PJSIP_INV_STATE_DISCONNECTED

    def onCallMediaState(self, prm: object) -> None:
        info = self.getInfo()  # its media live only as long as it does
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(index)
                self.phone.player.startTransmit(sound)
                sound.startTransmit(self.phone.recorder)
                stream = self.getStreamInfo(index)
                say("media", codec=stream.codecName, srtp=stream.proto == pj.PJMEDIA_TP_PROTO_RTP_SAVP)
            elif media.type == pj.PJMEDIA_TYPE_AUDIO:
                say("media_state", status=int(media.status))

    def onDtmfDigit(self, prm: object) -> None:
        say("digit", digit=prm.digit)  # type: ignore[attr-defined]


class PhoneAccount(pj.Account):  # type: ignore[misc]
    phone: "Phone"

    def onIncomingCall(self, prm: object) -> None:
        self.phone.answer(prm.callId)  # type: ignore[attr-defined]


class Phone:
    """The endpoint and the one call it makes or takes."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.work = Path(arguments.work)
        self.call: PhoneCall | None = None
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.medConfig.threadCnt = 1
        self.endpoint.libInit(config)
        self.endpoint.audDevManager().setNullDev()
        transport = pj.TransportConfig()
        transport.boundAddress = "127.0.0.1"
        kind = {
            "udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS,
        }[arguments.transport]  # fmt: skip
        if arguments.transport == "tls":
            transport.tlsConfig.certFile, transport.tlsConfig.privKeyFile = arguments.certificate[:2]
            transport.tlsConfig.CaListFile = arguments.certificate[2]
            transport.tlsConfig.verifyServer = True
        made = self.endpoint.transportCreate(kind, transport)
        self.endpoint.libStart()
        self._speak(arguments.codec)
        account = pj.AccountConfig()
        account.idUri = "sip:phone@127.0.0.1"
        account.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        account.mediaConfig.srtpUse = {
            "off": pj.PJMEDIA_SRTP_DISABLED, "optional": pj.PJMEDIA_SRTP_OPTIONAL,
            "mandatory": pj.PJMEDIA_SRTP_MANDATORY,
        }[arguments.srtp]  # fmt: skip
        account.mediaConfig.srtpSecureSignaling = 0
        self.account = PhoneAccount()
        self.account.phone = self
        self.account.create(account)
        if not arguments.sound:
            self._write_tone()
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(arguments.sound or str(self.work / "tone.wav"))
        self.recorder = pj.AudioMediaRecorder()
        self.recorder.createRecorder(str(self.work / "heard.wav"))
        address = self.endpoint.transportGetInfo(made).localName
        say("ready", port=int(address.rpartition(":")[2]))

    def _speak(self, codec: str) -> None:
        """Offer and take this codec alone."""
        for known in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(known.codecId, 255 if known.codecId.startswith(codec) else 0)

    def dial(self, target: str) -> None:
        self.call = PhoneCall(self)
        self.call.makeCall(target, pj.CallOpParam(True))

    def answer(self, call_id: int) -> None:
        self.call = PhoneCall(self, call_id)
        say("incoming", uri=self.call.getInfo().localUri)
        reply = pj.CallOpParam()
        reply.statusCode = 200
        self.call.answer(reply)

    def obey(self, command: dict[str, str]) -> None:
        assert self.call is not None
        parameters = pj.CallOpParam(True)
        match command["do"]:
            case "digits":
                self.call.dialDtmf(command["digits"])
            case "codec":
                self._speak(command["codec"])
                self._once_it_may(self.call.reinvite, parameters)
            case "info":
                pressed = pj.CallSendDtmfParam()
                pressed.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
                pressed.digits = command["digits"]
                self.call.sendDtmf(pressed)
            case "hold":
                self._once_it_may(self.call.setHold, parameters)
            case "unhold":
                parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
                self._once_it_may(self.call.reinvite, parameters)
            case "hang_up" | "stop":
                if not self.call.over:
                    self.call.hangup(pj.CallOpParam())

    def _once_it_may(self, send: "Callable[[pj.CallOpParam], None]", parameters: "pj.CallOpParam") -> None:
        """As soon as the re-INVITE before it is over: the other side knows of that one before we have its answer."""
        for _ in range(200):
            try:
                send(parameters)
            except pj.Error:
                self.endpoint.libHandleEvents(10)
            else:
                return
        send(parameters)

    def run(self, commands: "queue.Queue[dict[str, str]]") -> None:
        while self.call is None or not self.call.over or self.call.successor is not None:
            if self.call is not None and self.call.over:
                self.call = self.call.successor
            self.endpoint.libHandleEvents(10)
            while not commands.empty():
                command = commands.get()
                if self.call is None and command["do"] == "stop":
                    return
                self.obey(command)

    def judge(self) -> None:
        """Say how much of what was heard was sound, and at what pitch most of it."""
        del self.recorder
        for _ in range(300):
            # The recorder is closed by a task that PJSIP queues for itself.
            self.endpoint.libHandleEvents(10)
            pcm = _recorded(self.work / "heard.wav")
            if len(pcm):
                break
        seconds = np.count_nonzero(np.abs(pcm) > 500) / RATE
        spectrum = np.abs(np.fft.rfft(pcm, max(len(pcm), RATE)))
        say("heard", seconds=seconds, hertz=float(spectrum.argmax() * RATE / max(len(pcm), RATE)))

    def _write_tone(self) -> None:
        tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
        with wave.open(str(self.work / "tone.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(tone.astype("<i2").tobytes())


def _recorded(path: Path) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The samples at RATE; none while the file is still being written."""
    try:
        with wave.open(str(path)) as file:
            step = file.getframerate() // RATE
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)[::step]
    except (EOFError, wave.Error):
        return np.zeros(0)


def _read(commands: "queue.Queue[dict[str, str]]") -> None:
    for line in sys.stdin:
        commands.put(json.loads(line))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--target", default="")
    parser.add_argument("--sound", default="", help="WAV to speak, over and over, in place of the tone")
    parser.add_argument("--transport", choices=["udp", "tcp", "tls"], default="udp")
    parser.add_argument("--codec", choices=["PCMU", "PCMA", "G722"], default="PCMU")
    parser.add_argument("--srtp", choices=["off", "optional", "mandatory"], default="off")
    parser.add_argument("--certificate", nargs=3, metavar=("CHAIN", "KEY", "AUTHORITY"))
    arguments = parser.parse_args()
    phone = Phone(arguments)
    if arguments.target:
        phone.dial(arguments.target)
    commands: queue.Queue[dict[str, str]] = queue.Queue()
    threading.Thread(target=_read, args=(commands,), daemon=True).start()
    phone.run(commands)
    phone.judge()
    sys.stdout.flush()
    # PJSIP's own teardown may abort when Python objects outlive it; all is said by now.
    os._exit(0)


if __name__ == "__main__":
    main()
