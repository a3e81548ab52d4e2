"""A silent host is asked whether it lives, as the worker asks."""

from uuid import uuid4

from benchmarks.ports import free_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.voice.language.served import served
from trunkline.roles.worker import lives


async def test_a_host_lives_that_says_so_of_itself() -> None:
    node = str(uuid4())

    async def answer(request: Request) -> Response:
        return Response(status_code=204 if request.path_params["id"] == node else 404)

    async with served(Starlette(routes=[Route("/nodes/{id}", answer)])) as url:
        assert await lives(node, f"{url}/")
        assert not await lives(str(uuid4()), url)  # another process listens there by now


async def test_one_that_is_not_there_does_not() -> None:
    assert not await lives("a", f"http://127.0.0.1:{free_port()}")
    assert not await lives("a", "")
