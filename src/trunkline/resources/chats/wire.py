"""How chats are shown, and where a page of them goes on."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from trunkline.errors import BadInput
from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.chats.schemas import ChatListItem, ChatMessageOut, ChatOut, ChatPage, ChatReply

_NO_FLOW = ""


def shown(chat: Chat, messages: Sequence[ChatMessage]) -> ChatOut:
    """One chat with what was written in it."""
    messages = [each for each in messages if _is_said(each)]
    first = messages[0] if messages and messages[0].turn == 0 else None
    return ChatOut(
        **_common(chat),
        conversation_history=[
            ChatMessageOut(
                agent_id=str(chat.agent_id) if _of_agent(each) else "user",
                current_state=_NO_FLOW,
                message=each.message["content"],
                timestamp=each.created_at.isoformat(),
                turn_number=each.turn,
            )
            for each in messages
        ],
        initial_message=replied(first) if first else None,
        transcript=transcript(messages),
        fsm_log=None,
    )


def transcript(messages: Sequence[ChatMessage]) -> str:
    """What was written, a line each, in the form of a call's transcript (contract, section 5.3)."""
    return "".join(f"\n{_line(each)}" for each in messages if _is_said(each))


def replied(message: ChatMessage) -> ChatReply:
    """What the agent wrote."""
    return ChatReply(
        agent_message=message.message["content"],
        current_state=_NO_FLOW,
        timestamp=message.created_at.isoformat(),
        turn_number=message.turn,
    )


def page(chats: Sequence[Chat], limit: int) -> ChatPage:
    """A page out of one chat more than it takes, where there is one."""
    taken, has_more = chats[:limit], len(chats) > limit
    return ChatPage(
        chats=[ChatListItem(**_common(chat)) for chat in taken],
        has_more=has_more,
        next_cursor=_cursor(taken[-1]) if has_more else "",
    )


def place(cursor: str) -> tuple[datetime, str]:
    """Where a cursor stands: the time and id of a chat. Raises BadInput."""
    try:
        moment, chat_id = urlsafe_b64decode(cursor.encode()).decode().split(" ", 1)
        read = datetime.fromisoformat(moment)
        if read.tzinfo is None or not chat_id.isprintable():
            raise ValueError(cursor)
    except ValueError:
        raise BadInput(
            "cursor: this is none of ours; send next_cursor of the page before, or leave it out"
        ) from None
    return read, chat_id


def _cursor(chat: Chat) -> str:
    return urlsafe_b64encode(f"{chat.created_at.isoformat()} {chat.id}".encode()).decode()


def _common(chat: Chat) -> dict[str, Any]:
    return {
        "chat_id": chat.id,
        "chat_status": chat.status,
        "start_timestamp": chat.created_at.isoformat(),
    }


def _is_said(message: ChatMessage) -> bool:
    """Whether somebody wrote it; what passed between the agent and its tools nobody did."""
    return message.message["role"] in ("user", "assistant") and message.message["content"] is not None


def _of_agent(message: ChatMessage) -> bool:
    return bool(message.message["role"] == "assistant")


def _line(message: ChatMessage) -> str:
    who = "bot" if _of_agent(message) else "human"
    return f"{who}: {' '.join(message.message['content'].split())}"
