"""An endpoint as strict as OpenAI's own: a field that a model does not take is refused with a 400, in its words."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

EFFORTS = {
    "gpt-5": ("minimal", "low", "medium", "high"),
    "gpt-5-mini": ("minimal", "low", "medium", "high"),
    "gpt-5-nano": ("minimal", "low", "medium", "high"),
    "gpt-5.1": ("none", "low", "medium", "high"),
    "gpt-5.2": ("none", "low", "medium", "high", "xhigh"),
    "gpt-5.4": ("none", "low", "medium", "high", "xhigh"),
    "gpt-5.4-mini": ("none", "low", "medium", "high", "xhigh"),
    "gpt-5.4-nano": ("none", "low", "medium", "high", "xhigh"),
    "gpt-5-chat": (),
}
"""What the models of the family take; all other names are of the older kind."""
SAID = "We open at nine."


class StrictEndpoint:
    """Answers what is well asked, under a dated name of its own; `asked` holds every request."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.application = Starlette(
            routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])],
        )

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        if (refusal := _refusal(body)) is not None:
            return JSONResponse({"error": refusal}, 400)
        chunk = {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": answered_by(body["model"]),
        }
        choice = {"index": 0, "delta": {"content": SAID}, "finish_reason": "stop"}
        return Response(
            f"data: {json.dumps(chunk | {'choices': [choice]})}\n\ndata: [DONE]\n\n",
            media_type="text/event-stream",
        )


def answered_by(model: str) -> str:
    """The name under which the endpoint answers for a model."""
    return f"{model}-2026-01-01"


def _refusal(body: dict[str, Any]) -> dict[str, Any] | None:
    model = body["model"]
    efforts = EFFORTS.get(model)
    if efforts is None:
        if "max_completion_tokens" in body:
            return _unsupported("max_completion_tokens", "Use 'max_tokens' instead.")
        return _unsupported("reasoning_effort", "") if "reasoning_effort" in body else None
    if "max_tokens" in body:
        return _unsupported("max_tokens", "Use 'max_completion_tokens' instead.")
    if body.get("temperature", 1) != 1:
        return _unsupported("temperature", "Only the default (1) value is supported.")
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in efforts:
        return _unsupported("reasoning_effort", f"Supported values are: {', '.join(efforts)}.")
    return None


def _unsupported(field: str, remedy: str) -> dict[str, Any]:
    return {
        "message": f"Unsupported parameter: '{field}' is not supported with this model. {remedy}",
        "type": "invalid_request_error",
        "param": field,
        "code": "unsupported_parameter",
    }
