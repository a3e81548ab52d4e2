"""`/docs`: the API's own description as one page that needs nothing from the network, and the description itself."""

import asyncio
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

router = APIRouter(include_in_schema=False)
_PAGE = files(__package__).joinpath("docs.html").read_text(encoding="utf-8")


@router.get("/docs")
async def docs() -> HTMLResponse:
    return HTMLResponse(
        _PAGE, headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline'; base-uri 'none'"}
    )


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Built when it is first asked for, which takes seconds: beside the requests, not among them."""
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = asyncio.create_task(asyncio.to_thread(_rendered, request.app.openapi))
    body: bytes = await asyncio.shield(state.description)
    return Response(body, media_type="application/json")


def _rendered(describe: Callable[[], dict[str, Any]]) -> bytes:
    return bytes(JSONResponse(describe()).body)
