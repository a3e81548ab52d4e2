"""A talk that is over, as those see it who work on it afterwards: judge, extractors, memory. A call or a chat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from trunkline.voice.conversation.profile import Medium


@dataclass(frozen=True)
class Talk:
    """What was said and done, and by whom."""

    workspace_id: UUID
    agent_id: UUID
    id: str
    """Of the call or the chat."""
    medium: Medium
    began: datetime
    other_party: str
    """E.164 where it is a number; "" for nobody known."""
    prompt: str
    """The agent's, with its holes filled."""
    transcript: str
    """Lines `bot: …` and `human: …`; "" when nothing was said or nothing may be kept."""
    model: str
    """The language model's name as the agent asks for it."""
    language: str = "en-US"
    end_reason: str = ""
    outbound: bool = False
    answered: bool = True
    executed_actions: Mapping[str, Any] = field(default_factory=dict)
    """In the shape of the wire (contract, section 5.5)."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    upto: int = 0
    """How many messages it has so far, of a chat that may go on; 0 for what is over for good."""
