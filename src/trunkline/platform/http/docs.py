"""`/docs`: the API's own schema as one page that needs nothing from the network."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_PAGE = files(__package__).joinpath("docs.html").read_text(encoding="utf-8")


@router.get("/docs")
async def docs() -> HTMLResponse:
    return HTMLResponse(
        _PAGE, headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline'; base-uri 'none'"}
    )
