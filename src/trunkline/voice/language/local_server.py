"""The local model server: llama.cpp (through xllamacpp) behind the gate, one process for the installation.

    python -m trunkline.voice.language.local_server --model FILE --port PORT [--threads N] [--slots N]

Speaks the OpenAI API on 127.0.0.1 under `/v1`; `/health` answers once the model is loaded. Each slot keeps the
prompt of its last conversation, a request goes to the slot whose prompt is most like its own, and what is pushed
out of a slot is kept in memory (`_KEPT_MIB`), so calls in turn find their prefixes again.
"""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import structlog
import uvicorn
import xllamacpp

from trunkline.errors import ModelMissing, PortTaken, SetupError
from trunkline.voice.language.gate import Gate

log = structlog.get_logger(__name__)

SLOT_TOKENS = 8192
"""Context of each slot."""
SLOTS = 2
_KEPT_MIB = 768
"""Prompts kept outside the slots; about 28 KiB a token with the default model."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT ends the process; 1 with the reason on stderr when it cannot start."""
    parser = argparse.ArgumentParser(
        prog="trunkline.voice.language.local_server", description="local model server"
    )
    parser.add_argument("--model", type=Path, required=True, help="GGUF file")
    parser.add_argument("--port", type=int, required=True)
    # Never all cores: the threads spin while they wait for each other, and a busy machine then crawls.
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 1) - 1))
    parser.add_argument("--slots", type=int, default=SLOTS)
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.model, chosen.port, chosen.threads, chosen.slots)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
    return 1


def serve(model: Path, port: int, threads: int, slots: int) -> NoReturn:
    """Load the model and serve; the process ends with it. Raises PortTaken, ModelMissing."""
    with _listen(port) as listening:
        server = load(model, threads, slots)
        gate = Gate(server.listening_address, slots)
        config = uvicorn.Config(
            gate, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        # uvicorn stops at these and then raises them again, for whoever was there before it.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: None)
        log.info("model_server_ready", port=port, threads=threads, slots=slots)
        uvicorn.Server(config).run(sockets=[listening])
        # llama.cpp's own end waits for the prompt that it reads, for minutes on a busy machine and for nobody.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def load(model: Path, threads: int, slots: int) -> xllamacpp.Server:
    """llama.cpp's own server on a port of its own choice. Raises ModelMissing."""
    if not model.is_file():
        raise ModelMissing(f"There is no model file {model}. Run `trunkline models pull`.")
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {model.stem}  # what answers call it, and so the records of calls; otherwise its path
    params.n_ctx = slots * SLOT_TOKENS
    params.n_parallel = slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = _KEPT_MIB
    params.use_jinja = True
    params.ui = False
    params.verbosity = 0
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelMissing(f"{model} cannot be loaded ({error}). Run `trunkline models pull`.") from error


def _listen(port: int) -> socket.socket:
    # With the protocol named: asyncio turns Nagle's delay off only for sockets that say they are TCP (40 ms a reply).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise PortTaken(
            f"Port {port} for the local model server is taken ({error.strerror}). Stop what listens there."
        ) from error
    return listening


if __name__ == "__main__":
    sys.exit(main())
