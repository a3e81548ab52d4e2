"""Runs the scripted server: inside a test or bench, or alone as `trunkline scripted`."""

import argparse
import asyncio
import json
import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from pydantic import ValidationError

from trunkline.errors import BadInput, PortTaken
from trunkline.voice.scripted.answer import Served
from trunkline.voice.scripted.app import Play, app
from trunkline.voice.scripted.script import Script, Sound

_STOP_TIMEOUT = 10.0
_BACKLOG = 1024


class _Embedded(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _config(play: Play) -> uvicorn.Config:
    return uvicorn.Config(
        app(play),
        http="httptools",
        loop="asyncio",  # uvloop fires timers up to 1 ms early or late; this one never early
        lifespan="off",
        log_config=None,
        log_level="critical",  # faults on purpose would fill the log
        access_log=False,
        timeout_graceful_shutdown=0,
    )


def _bind(host: str, port: int) -> socket.socket:
    # With the protocol named: asyncio turns Nagle's delay off only for sockets that say they are TCP (40 ms a reply).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise PortTaken(f"{host}:{port} cannot be listened on ({error}); choose another --port.") from None
    return listener


class ScriptedServer:
    """A scripted server on a free port of loopback, in a thread of its own or in the running loop.

    `with ScriptedServer(script) as server:` runs it in a thread, `async with` in the loop. In a thread its times
    do not suffer from the test's own work, nor the other way round.
    """

    def __init__(self, script: Script | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self._play = Play(script or Script())
        self._listener = _bind(host, port)
        self._server = _Embedded(_config(self._play))
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        """With `/v1`, as OpenAI clients want it."""
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}/v1"

    @property
    def script(self) -> Script:
        """What is played; assigning another lets the counters start anew."""
        return self._play.script

    @script.setter
    def script(self, script: Script) -> None:
        self._play.restart(script)

    @property
    def requests(self) -> list[Served]:
        """What has come in, oldest first (the last 10,000)."""
        return list(self._play.served)

    def of(self, part: str) -> list[Served]:
        """The requests of one part: llm, stt or tts."""
        return [served for served in self._play.served if served.part == part]

    def start(self) -> None:
        """Serve from a thread; connections are taken from now on."""
        self._listener.listen(_BACKLOG)  # a client that is quicker than the thread waits in the backlog
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name="scripted", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Break what is under way and end the thread."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT)
        self._listener.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        self._listener.listen(_BACKLOG)
        self._task = asyncio.create_task(self._server.serve([self._listener]))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        assert self._task is not None
        await self._task
        self._listener.close()


def main(options: Sequence[str] | None = None) -> int:
    """`trunkline scripted`: serve until interrupted. Raises PortTaken, and BadInput for a script that is wrong."""
    chosen = _parser().parse_args(options)
    play = Play(_script(chosen))
    listener = _bind(chosen.host, chosen.port)
    listener.listen(_BACKLOG)  # from here on clients may come
    host, port = listener.getsockname()[:2]
    print(f"scripted endpoints at http://{host}:{port}/v1", flush=True)  # noqa: T201 the command's own output
    with suppress(KeyboardInterrupt):
        uvicorn.Server(_config(play)).run([listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trunkline scripted",
        description="An OpenAI-compatible chat, transcription and speech server with set answers, delays and faults.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099, help="0 chooses a free one")
    parser.add_argument("--config", type=Path, help="JSON file with the script; options go over it")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--stt-ms", type=float, help="from the last byte of the sound to the words")
    parser.add_argument("--llm-first-ms", type=float, help="to the first token")
    parser.add_argument("--token-ms", type=float, help="between tokens")
    parser.add_argument("--tts-first-ms", type=float, help="to the first sound")
    parser.add_argument("--voice", choices=[sound.value for sound in Sound], help="what speech sounds like")
    parser.add_argument("--reply", help="the default reply of the language model")
    parser.add_argument("--hear", help="the default words of the transcription")
    return parser


def _script(chosen: argparse.Namespace) -> Script:
    changes: dict[str, dict[str, Any]] = {
        "llm": {"first_ms": chosen.llm_first_ms, "token_ms": chosen.token_ms, "default": chosen.reply},
        "stt": {"first_ms": chosen.stt_ms, "default": chosen.hear},
        "tts": {"first_ms": chosen.tts_first_ms, "voice": chosen.voice},
    }
    given = {part: {k: v for k, v in values.items() if v is not None} for part, values in changes.items()}
    seed = {} if chosen.seed is None else {"seed": chosen.seed}
    try:
        script = Script.model_validate(json.loads(chosen.config.read_text())) if chosen.config else Script()
        return script.changed({**given, **seed})
    except (OSError, ValueError, ValidationError) as error:
        raise BadInput(
            f"The script cannot be used; mend {chosen.config or 'the options'}: {error}"
        ) from error
