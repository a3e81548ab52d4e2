"""`/v2/chat`."""

from typing import Annotated

from fastapi import Depends, Query, Request

from trunkline.platform.http import idempotency
from trunkline.platform.http.context import Caller, Parts, keyed_router
from trunkline.platform.http.pagination import MOST, page_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, done, ok
from trunkline.resources.actions.work import Means
from trunkline.resources.chats import wire
from trunkline.resources.chats.outbound import OutboundChats
from trunkline.resources.chats.schemas import (
    ChatCreate,
    ChatOut,
    ChatPage,
    ChatReply,
    MessageCreate,
    OutboundChat,
    OutboundChatCreate,
)
from trunkline.resources.chats.service import Chats
from trunkline.resources.language import Models
from trunkline.resources.tool_servers.catalogue import Catalogue
from trunkline.resources.vendors import VENDORS, Vendors

router = keyed_router("/v2/chat", "Chat", Scope.CHAT)


def _chats(request: Request, parts: Parts, models: Models, caller: Caller) -> Chats:
    state = request.app.state
    if not hasattr(state, "tool_catalogue"):
        state.tool_catalogue = Catalogue()
    embeddings = getattr(state, "embeddings", None)
    means = Means(
        parts.database,
        parts.secrets,
        parts.outbound,
        embeddings=embeddings,
        catalogue=state.tool_catalogue,
    )
    return Chats(means, models.talk, caller.workspace_id)


Service = Annotated[Chats, Depends(_chats)]


@router.post("/outbound")
async def create_outbound_chat(
    body: OutboundChatCreate, request: Request, chats: Service, parts: Parts, caller: Caller
) -> Ok[OutboundChat]:
    """Begin a conversation in a messenger with somebody, by the workspace's own Twilio account."""
    addresses = getattr(request.app.state, "addresses", VENDORS)
    vendors = Vendors(parts.database, parts.secrets, parts.outbound, addresses)
    conversation = await OutboundChats(vendors, chats, caller.workspace_id).begin(body)
    return ok(OutboundChat(conversation_id=conversation))


@router.get("")
async def list_chats(
    chats: Service,
    agent_id: str | None = None,
    limit: Annotated[int, Query()] = 10,
    cursor: str | None = None,
) -> Ok[ChatPage]:
    """The workspace's chats, newest first; `next_cursor` of the answer leads on, and is empty at the end."""
    limit = page_of(limit, 0, MOST).limit
    found = await chats.after(wire.place(cursor) if cursor else None, limit + 1, agent_id)
    return ok(wire.page(found, limit))


@router.post("/{chat_id}")
async def create_chat(chat_id: str, body: ChatCreate, chats: Service) -> Ok[ChatOut]:
    """Begin a chat with an agent, under an id of the caller's choice."""
    return ok(wire.shown(*await chats.create(chat_id, body)))


@router.get("/{chat_id}")
async def get_chat(chat_id: str, chats: Service) -> Ok[ChatOut]:
    """One chat with its messages."""
    return ok(wire.shown(*await chats.get(chat_id)))


@router.delete("/{chat_id}")
async def delete_chat(chat_id: str, chats: Service) -> StatusOnly:
    """Remove a chat; an answer that is under way is dropped."""
    await chats.delete(chat_id)
    return done()


@router.post("/{chat_id}/messages")
async def send_chat_message(
    chat_id: str, body: MessageCreate, request: Request, chats: Service
) -> Ok[ChatReply]:
    """Say something to the agent; its answer comes back."""
    return ok(wire.replied(await chats.send(chat_id, body.message, request.headers.get(idempotency.HEADER))))
