"""Tools that are really run in a simulated call: what they give is kept, so that a replay runs nothing."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from trunkline.voice.answers import Answers, Item, digest
from trunkline.voice.driver.ports import RunTool, ToolAnswer


async def nothing_real(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    """Fulfils RunTool where nothing may be run: for replays, and for runs whose tools are mocked."""
    told = f"{name} was not run: nothing real is run here."
    return ToolAnswer(told, ok=False, error=told)


async def answered(run: RunTool, name: str, arguments: dict[str, Any]) -> ToolAnswer:
    """What a tool gives; a failure where it raises."""
    try:
        return await run(name, arguments)
    except Exception as error:  # noqa: BLE001 - a tool may raise anything; the talk goes on
        return ToolAnswer(f"{name} failed and was not done: {error}", ok=False, error=str(error))


class KeptTools:
    """Fulfils RunTool for one call; `run` has each done once, and never again what is kept."""

    def __init__(self, run: RunTool, answers: Answers) -> None:
        self._run = run
        self._answers = answers
        self._times: Counter[str] = Counter()

    async def run(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """What it gave: to these arguments, and as often as they were given before."""

        async def ask() -> AsyncIterator[Item]:
            yield asdict(await answered(self._run, name, arguments))

        question = digest("tool", name, arguments)
        self._times[question] += 1
        item = await self._answers.one(digest(question, self._times[question]), ask)
        return ToolAnswer(**item)
