"""A host among the others while the database is slow."""

import asyncio
from uuid import UUID, uuid4

import pytest

from trunkline.host import node as nodes
from trunkline.host.node import Identity, Node
from trunkline.platform.storage.database import Database


class Slow(Node):
    """Its heartbeats are answered when a test lets them."""

    def __init__(self) -> None:
        identity = Identity(uuid4(), "http://127.0.0.1:1", "127.0.0.1:1", 2)
        super().__init__(Database.connect("postgresql://nobody@127.0.0.1:1/none"), identity, list, print)
        self.asked = 0
        self.answer = asyncio.Event()

    async def _heard(self) -> set[UUID]:
        self.asked += 1
        await self.answer.wait()
        return set()


async def test_a_heartbeat_that_is_late_counts_as_lost_and_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nodes, "_PATIENCE_SECONDS", 0.01)
    node = Slow()
    node.reachable = True
    seen = []
    beating = asyncio.create_task(node._beat())
    async with asyncio.timeout(20):
        while False not in seen:
            await asyncio.sleep(0.01)
            seen.append(node.reachable)
    assert not beating.done(), "another would be sent over a new connection"
    node.answer.set()
    await beating
    assert (node.reachable, node.asked) == (True, 1)
