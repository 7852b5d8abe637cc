"""Changes reach whoever watches, at once and in order, and a slow watcher costs nobody anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from workbench.telemetry import Change, Live


async def watching(live: Live) -> AsyncIterator[Change]:
    """Changes from now on: the first one is told by ourselves, so that all later ones are seen."""
    changes = live.follow()
    first = asyncio.ensure_future(anext(changes))
    while not first.done():
        live.tell(Change(kind="hello", id=""))
        await asyncio.sleep(0)
    return changes


async def ids(changes: AsyncIterator[Change], count: int) -> list[str]:
    """The next changes, less the hellos."""
    found: list[str] = []
    while len(found) < count:
        change = await asyncio.wait_for(anext(changes), 60)
        found += [change.id] if change.kind != "hello" else []
    return found


async def test_every_watcher_hears_every_change_in_order_from_whatever_thread() -> None:
    live = Live()
    async with aclosing(await watching(live)) as one, aclosing(await watching(live)) as other:
        for number in range(50):
            await asyncio.to_thread(live.tell, Change(kind="notebook", id=str(number)))

        expected = [str(number) for number in range(50)]
        assert await ids(one, 50) == expected
        assert await ids(other, 50) == expected


async def test_a_watcher_that_sleeps_loses_the_oldest_changes_only() -> None:
    live = Live()
    async with aclosing(await watching(live)) as changes:
        for number in range(5000):
            live.tell(Change(kind="notebook", id=str(number)))

        assert await ids(changes, 1000) == [str(number) for number in range(4000, 5000)]


async def test_telling_goes_on_when_a_watcher_has_left() -> None:
    live = Live()
    async with aclosing(await watching(live)) as changes:
        live.tell(Change(kind="notebook", id="1"))
        await ids(changes, 1)

    live.tell(Change(kind="notebook", id="2"))


def test_telling_goes_on_when_the_loop_of_a_watcher_is_closed() -> None:
    live = Live()
    loop = asyncio.new_event_loop()
    changes = loop.run_until_complete(watching(live))
    loop.close()

    live.tell(Change(kind="notebook", id="1"))
    del changes
