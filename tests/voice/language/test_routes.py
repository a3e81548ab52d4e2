import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.voice.language.contract import ASK, FORM
from tests.voice.language.served import served
from trunkline.errors import SetupError
from trunkline.voice.language.routes import language_model, read_routes
from trunkline.voice.scripted.script import ChatScript, Fault, FaultKind, Script
from trunkline.voice.scripted.server import ScriptedServer


async def test_a_name_with_a_route_goes_there_and_others_to_the_default(tmp_path: Path) -> None:
    with ScriptedServer(Script(llm=ChatScript(default="Default."))) as one, ScriptedServer() as other:
        file = tmp_path / "routes.json"
        file.write_text(json.dumps({"smart": {"base_url": other.base_url, "api_key": "k", "model": "gpt-5"}}))
        llm = language_model(one.base_url, routes=file)
        for name in ("smart", "plain"):
            assert [part async for part in llm.reply(name, ASK)]
        await llm.close()
        assert [each.model for each in one.of("llm")] == ["plain"]
        assert [each.model for each in other.of("llm")] == ["gpt-5"]
        assert other.of("llm")[0].request["max_completion_tokens"]


async def test_forms_are_routed_too(tmp_path: Path) -> None:
    script = Script(llm=ChatScript(default='{"summary": "S.", "marks": []}'))
    with ScriptedServer(script) as one, ScriptedServer(script) as other:
        file = tmp_path / "routes.json"
        file.write_text(json.dumps({"smart": {"base_url": other.base_url}}))
        llm = language_model(one.base_url, embedded=True, routes=file, background=True)
        for name in ("smart", "plain"):
            assert (await llm.fill(name, ASK, FORM, "call_report")).value["summary"] == "S."
        await llm.close()
        assert [each.model for each in one.of("llm")] == ["plain"]
        assert [each.model for each in other.of("llm")] == ["smart"]


async def test_thinking_gives_way_at_the_gate() -> None:
    seen: list[str | None] = []

    async def answer(request: Request) -> Response:
        seen.append(request.headers.get("x-trunkline-priority"))
        return Response("data: [DONE]\n\n", media_type="text/event-stream")

    async with served(Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])) as url:
        for background in (True, False):
            llm = language_model(f"{url}/v1", embedded=True, background=background)
            assert [part async for part in llm.reply("any", ASK)]
            await llm.close()
    assert seen == ["background", None]


@pytest.mark.parametrize("text", ["[]", "{", '{"a": {}}', '{"a": {"base_url": "x", "key": "y"}}'])
def test_a_wrong_file_of_routes_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "routes.json"
    file.write_text(text)
    with pytest.raises(SetupError, match=r"routes\.json"):
        read_routes(file)


def test_an_absent_file_of_routes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="TRUNKLINE_LLM_ROUTES"):
        read_routes(tmp_path / "none.json")


async def test_a_route_that_fails_is_answered_by_its_fallback_and_then_by_the_default(tmp_path: Path) -> None:
    broken = Script(llm=ChatScript(faults=(Fault(kind=FaultKind.BROKEN, rate=1.0),)))
    with ScriptedServer() as default, ScriptedServer(broken) as one, ScriptedServer() as two:
        file = tmp_path / "routes.json"
        file.write_text(
            json.dumps(
                {
                    "smart": {"base_url": one.base_url, "fallback": "spare"},
                    "plain": {"base_url": one.base_url},
                    "spare": {"base_url": two.base_url, "model": "spare-1"},
                }
            )
        )
        llm = language_model(default.base_url, routes=file)
        for name in ("smart", "plain"):
            assert [part async for part in llm.reply(name, ASK)]
        await llm.close()
        assert [each.model for each in two.of("llm")] == ["spare-1"]
        assert [each.model for each in default.of("llm")] == ["plain"]


async def test_a_route_can_stand_in_for_the_endpoint(tmp_path: Path) -> None:
    broken = Script(llm=ChatScript(faults=(Fault(kind=FaultKind.BROKEN, rate=1.0),)))
    with ScriptedServer(broken) as default, ScriptedServer() as spare:
        file = tmp_path / "routes.json"
        file.write_text(json.dumps({"spare": {"base_url": spare.base_url}}))
        llm = language_model(default.base_url, routes=file, fallback="spare")
        assert [part async for part in llm.reply("any", ASK)]
        await llm.close()
        assert len(spare.of("llm")) == 1
        with pytest.raises(SetupError, match="TRUNKLINE_LLM_FALLBACK names other"):
            language_model(default.base_url, routes=file, fallback="other")
        file.write_text(json.dumps({"spare": {"base_url": spare.base_url, "fallback": "other"}}))
        with pytest.raises(SetupError, match="names other as its fallback"):
            language_model(default.base_url, routes=file)
