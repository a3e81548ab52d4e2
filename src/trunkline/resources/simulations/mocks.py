"""The tools of a simulated call: mocks that touch nothing but a state of their own, and what is really run."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from trunkline.resources.simulations.matching import matches
from trunkline.resources.simulations.suite_file import MockedAnswer, MockedTool
from trunkline.voice.driver.ports import RunTool, ToolAnswer


class MockedTools:
    """What the agent of one call may use. `run` fulfils RunTool."""

    def __init__(
        self, tools: Mapping[str, MockedTool], state: Mapping[str, Any], real: RunTool | None = None
    ) -> None:
        """`real` runs what is not mocked; None: it fails."""
        self._tools = tools
        self._real = real
        self._spent: set[tuple[str, int]] = set()
        self.state: dict[str, Any] = copy.deepcopy(dict(state))
        """The world, as the tools have changed it."""
        self.variables: dict[str, str] = {}
        """What they gave for holes."""
        self.transfers: list[str] = []

    async def run(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """What the tool gives to these arguments; a failure where nothing was written for them."""
        tool = self._tools.get(name)
        if tool is None and self._real is not None:
            answer = await self._real(name, arguments)
            self.variables |= answer.variables
            return answer
        if tool is None:
            return ToolAnswer(f"{name} is not mocked, and nothing real is run.", ok=False, error="not mocked")
        return self._given(name, tool, arguments)

    def _given(self, name: str, tool: MockedTool, arguments: dict[str, Any]) -> ToolAnswer:
        answer = self._answer(name, tool, arguments)
        if answer is None:
            return ToolAnswer(f"{name} gives nothing to these arguments.", ok=False, error="no answer fits")
        text = answer.result if isinstance(answer.result, str) else _json(answer.result)
        if answer.fails:
            return ToolAnswer(text, ok=False, error=text)
        if tool.stores:
            self.state.setdefault(tool.stores, []).append(dict(arguments))
        if answer.transfers_to is not None:
            self.transfers.append(answer.transfers_to)
        self.variables |= answer.variables
        return ToolAnswer(text, variables=answer.variables)

    def _answer(self, name: str, tool: MockedTool, arguments: Mapping[str, Any]) -> MockedAnswer | None:
        for n, answer in enumerate(tool.answers):
            if (name, n) in self._spent:
                continue
            if all(key in arguments and matches(want, arguments[key]) for key, want in answer.when.items()):
                if answer.once:
                    self._spent.add((name, n))
                return answer
        return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
