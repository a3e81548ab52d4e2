"""What an agent has of its own to call, as a simulation offers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from trunkline.resources.actions import offering
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.simulations.suite_file import MockedAnswer, MockedTool
from trunkline.resources.transfers.order import choices_of
from trunkline.voice.conversation.profile import Tool

_TRANSFER = "LIVE_TRANSFER"
_TRANSFERRED = {"status": "transferred"}


@dataclass(frozen=True)
class OwnTool:
    """One of an agent's actions as its model sees it."""

    tool: Tool
    targets: Mapping[str, str] = field(default_factory=dict)
    """Where a transfer leads, by the `destination` that the model chooses; "" where there is no choice."""

    @property
    def unmocked(self) -> MockedTool:
        """What it gives where a case says nothing of it: a transfer goes through, everything else fails."""
        answers = tuple(
            MockedAnswer(when={"destination": name} if name else {}, result=_TRANSFERRED, transfers_to=target)
            for name, target in self.targets.items()
        )
        nothing = MockedAnswer(result=f"{self.tool.name} is not mocked, and nothing real is run.", fails=True)
        return MockedTool(answers=answers or (nothing,))


def own_tools(actions: Sequence[PlannedAction]) -> tuple[OwnTool, ...]:
    """Those of these actions that may run during a talk, in their order."""
    return tuple(OwnTool(each.tool, _targets(each.action)) for each in offering.offered(actions).values())


def mocked(
    own: Sequence[OwnTool], mocks: Mapping[str, MockedTool], *, real: bool = False
) -> dict[str, MockedTool]:
    """What answers in a call: the mocks, and for what nobody mocked the least that can be said.

    `real`: what nobody mocked is left out, to be really run, but for transfers.
    """
    return {each.tool.name: each.unmocked for each in own if each.targets or not real} | dict(mocks)


def offered(own: Sequence[OwnTool], mocks: Mapping[str, MockedTool]) -> tuple[Tool, ...]:
    """What the model is offered: the agent's own tools as they are, but for what a mock says of them; then the others."""
    known = {each.tool.name: each.tool for each in own}
    theirs = tuple(_with(tool, mocks.get(name)) for name, tool in known.items())
    return theirs + tuple(mock.tool(name) for name, mock in mocks.items() if name not in known)


def _with(tool: Tool, mock: MockedTool | None) -> Tool:
    if mock is None:
        return tool
    parameters = mock.tool(tool.name).parameters if mock.parameters else tool.parameters
    return replace(tool, description=mock.description or tool.description, parameters=parameters)


def _targets(action: PlannedAction) -> dict[str, str]:
    if action.type != _TRANSFER:
        return {}
    return {choice.name: choice.destination for choice in choices_of(action)}
