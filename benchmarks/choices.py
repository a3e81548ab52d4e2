"""How often the embedded model chooses rightly between talking, a tool and the end; a report, never a test.

    python -m benchmarks.choices [tuning|reporting] [MODEL FILE]

The labelled turns lie in `choice_set/` (decision 16). Only the first word of each answer is asked for.
"""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml
from tests.voice.language.served import model_server

from trunkline.settings import Settings
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.profile import END_CALL, Profile, Tool
from trunkline.voice.language.embedded import TALK, grammar, plain, possible

_FILE = Path("llm-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
_TURNS = Path(__file__).parent / "choice_set"
_WORD_TOKENS = 8
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True)
class _Turn:
    """A talk up to a moment, and the word that is right there."""

    dialogue: Dialogue
    right: str


def _turns(half: str) -> Iterator[_Turn]:
    for agent in yaml.safe_load((_TURNS / f"{half}.yaml").read_text()):
        tools = tuple(Tool(name, about, _NOTHING) for name, about in agent["tools"].items())
        for labelled in agent["turns"]:
            [(right, said)] = labelled.items()
            dialogue = Dialogue(Profile(prompt=agent["prompt"], tools=tools))
            dialogue.agent_said(agent["greeting"])
            _say(dialogue, said)
            yield _Turn(dialogue, right)


def _say(dialogue: Dialogue, said: list[Any]) -> None:
    """The caller and the agent in turn; a mapping is a tool of the agent's with what it gave."""
    caller = True
    for each in said:
        if isinstance(each, dict):
            [(name, result)] = each.items()
            dialogue.tool_called("1", name, {})
            dialogue.tool_answered("1", result)
            continue
        if caller:
            dialogue.user_said(each)
        else:
            dialogue.agent_said(each)
        caller = not caller


async def _chosen(client: httpx2.AsyncClient, dialogue: Dialogue) -> str:
    messages, tools = dialogue.messages(), dialogue.tools
    asked = {
        "messages": plain(messages, tools),
        "grammar": grammar(possible(messages, tools)),
        "max_tokens": _WORD_TOKENS,
        "temperature": 0.0,
        "cache_prompt": True,
    }
    answer = await client.post("/chat/completions", json=asked)
    text: str = answer.raise_for_status().json()["choices"][0]["message"]["content"]
    return text.partition(":")[0]


async def _measure(half: str, file: Path) -> None:
    tally: Counter[str] = Counter()
    async with model_server(file) as base, httpx2.AsyncClient(base_url=base, timeout=None) as client:
        for turn in _turns(half):
            chosen = await _chosen(client, turn.dialogue)
            kind = turn.right if turn.right in (TALK, END_CALL.name) else "tool"
            tally.update([kind, "all"])
            if chosen == turn.right:
                tally.update([f"{kind} right", "all right"])
            else:
                said = turn.dialogue.history[-1]["content"]
                print(json.dumps({"said": said, "right": turn.right, "chosen": chosen}), flush=True)
    print(json.dumps(dict(tally)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choices")
    parser.add_argument("half", nargs="?", choices=("tuning", "reporting"), default="reporting")
    parser.add_argument("file", nargs="?", type=Path, default=Settings().models_folder / _FILE)
    chosen = parser.parse_args()
    asyncio.run(_measure(chosen.half, chosen.file))
