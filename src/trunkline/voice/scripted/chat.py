"""What the scripted language model replies, and its words on the wire (OpenAI chat completions)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trunkline.voice.scripted.answer import Answer, Piece, json_answer
from trunkline.voice.scripted.script import ChatScript, ToolUse

_PIECES_OF_ARGUMENTS = 2


@dataclass(frozen=True)
class Reply:
    """Words, tools, or both."""

    text: str = ""
    tools: tuple[ToolUse, ...] = ()


def reply(script: ChatScript, messages: list[dict[str, Any]]) -> Reply:
    """The script's reply to a conversation: by the first rule that fits, by turn, or the default."""
    said = last_user_message(messages)
    rule = next((rule for rule in script.rules if rule.fits(said)), None)
    if messages and messages[-1].get("role") == "tool":
        then = rule.then if rule else "Done."
        return Reply(then.replace("{result}", _words(messages[-1])).replace("{user}", said))
    if rule:
        return Reply(rule.text.replace("{user}", said), rule.tools)
    turn = _replies_so_far(messages)
    return Reply(script.replies[turn] if turn < len(script.replies) else script.default)


def last_user_message(messages: list[dict[str, Any]]) -> str:
    """ "" when there is none."""
    return next((_words(message) for message in reversed(messages) if message.get("role") == "user"), "")


def _words(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content)


def _replies_so_far(messages: list[dict[str, Any]]) -> int:
    """Assistant's messages since the user first spoke: a greeting before that is no reply."""
    roles = [message.get("role") for message in messages]
    first = roles.index("user") if "user" in roles else 0
    return roles[first:].count("assistant")


def shaped(said: Reply, schema: dict[str, Any]) -> Reply:
    """The reply as JSON for a schema: its own words if they are an object, else the smallest that fits.

    In the latter the words go to every free text, the tool to an enum.
    """
    if _is_object(said.text):
        return Reply(said.text)
    return Reply(json.dumps(_instance(schema, said)))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _instance(schema: dict[str, Any], said: Reply) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        wanted = said.tools[0].name if said.tools else None
        return next(
            (value for value in (wanted, None, "none", "") if value in schema["enum"]), schema["enum"][0]
        )
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        return _instance(choice, said)
    kind = schema.get("type", "object")
    kinds = kind if isinstance(kind, list) else [kind]
    match kinds[0]:
        case "object":
            return {name: _instance(part, said) for name, part in schema.get("properties", {}).items()}
        case "string":
            return said.text
        case "array":
            return [_instance(schema.get("items", {}), said)] * schema.get("minItems", 0)
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 0)
        case _:
            return None


@dataclass(frozen=True)
class Pace:
    """When tokens go out, in milliseconds from the request's arrival."""

    first_ms: float
    token_ms: float

    def at(self, token: int) -> float:
        return self.first_ms + token * self.token_ms


def streamed(said: Reply, body: dict[str, Any], number: int, pace: Pace) -> Answer:
    """Server-sent chunks: a word each, the tools after the words."""
    deltas = list(_deltas(said, number)) or [{"role": "assistant", "content": ""}]
    pieces = [Piece(pace.at(n), _event(_chunk(body, number, delta, None))) for n, delta in enumerate(deltas)]
    end = pieces[-1].at_ms
    pieces.append(Piece(end, _event(_chunk(body, number, {}, _finish(said)))))
    if (body.get("stream_options") or {}).get("include_usage"):
        last = _chunk(body, number, {}, None) | {"choices": [], "usage": _usage(said, body)}
        pieces.append(Piece(end, _event(last)))
    pieces.append(Piece(end, b"data: [DONE]\n\n"))
    return Answer(tuple(pieces), media_type="text/event-stream")


def whole(said: Reply, body: dict[str, Any], number: int, pace: Pace) -> Answer:
    """One JSON body, once the last token would have come."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.tools:
        message["tool_calls"] = [
            _tool(number, n, tool, json.dumps(tool.arguments)) for n, tool in enumerate(said.tools)
        ]
    choice = {"index": 0, "message": message, "finish_reason": _finish(said), "logprobs": None}
    tokens = len(_tokens(said.text))
    out = {**_envelope(body, number, "chat.completion"), "choices": [choice], "usage": _usage(said, body)}
    return json_answer(pace.at(max(tokens - 1, 0)), out)


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def _deltas(said: Reply, number: int) -> Iterator[dict[str, Any]]:
    for n, token in enumerate(_tokens(said.text)):
        yield ({"role": "assistant"} if n == 0 else {}) | {"content": token}
    for n, tool in enumerate(said.tools):
        head = {"role": "assistant", "content": None} if n == 0 and not said.text else {}
        yield head | {"tool_calls": [{"index": n, **_tool(number, n, tool, "")}]}
        arguments = json.dumps(tool.arguments)
        size = -(-len(arguments) // _PIECES_OF_ARGUMENTS)
        for start in range(0, len(arguments), size):
            yield {"tool_calls": [{"index": n, "function": {"arguments": arguments[start : start + size]}}]}


def _tool(number: int, index: int, tool: ToolUse, arguments: str) -> dict[str, Any]:
    function = {"name": tool.name, "arguments": arguments}
    return {"id": f"call_{number}_{index}", "type": "function", "function": function}


def _finish(said: Reply) -> str:
    return "tool_calls" if said.tools else "stop"


def _envelope(body: dict[str, Any], number: int, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 0, "model": body["model"]}


def _chunk(body: dict[str, Any], number: int, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {**_envelope(body, number, "chat.completion.chunk"), "choices": [choice]}


def _usage(said: Reply, body: dict[str, Any]) -> dict[str, int]:
    prompt = sum(len(_tokens(_words(message))) for message in body["messages"])
    completion = len(_tokens(said.text)) + sum(
        len(json.dumps(tool.arguments)) // 4 + 1 for tool in said.tools
    )
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
