"""The local model server in a process of its own, and any application on a port."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import uvicorn
from benchmarks.ports import free_port
from starlette.types import ASGIApp


@asynccontextmanager
async def model_server(model: Path, *more: str) -> AsyncIterator[str]:
    """Its base URL, once it is healthy; it is stopped by SIGTERM and has to leave with status 0."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trunkline.voice.language.local_server",
        "--model",
        str(model),
        "--port",
        str(port),
        *more,
    )
    try:
        async with asyncio.timeout(120), httpx2.AsyncClient() as client:
            while process.returncode is None:
                try:
                    if (await client.get(f"http://127.0.0.1:{port}/health", timeout=120)).is_success:
                        break
                except httpx2.ConnectError:
                    await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _Quiet(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        return


@asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[str]:
    """Its base URL."""
    config = uvicorn.Config(application, port=0, log_config=None, timeout_graceful_shutdown=1)
    server = _Quiet(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving
