"""What an app on top of the SDK lives on: history, read marks, what it keeps, what waits, what changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sdk_world import a_world, texts

from sottovoce.client.client import MAX_KEPT_VALUE
from sottovoce.client.errors import ValueTooLong


async def test_what_an_app_keeps_is_there_after_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await alice.keep("draft", b"half a sente")
            await alice.keep("place", b"lobby")
            await alice.keep("place", b"")
        async with world.person("alice") as alice:
            assert await alice.kept("draft") == b"half a sente"
            assert await alice.kept("place") is None
            await alice.keep("draft", bytes([1]) * MAX_KEPT_VALUE)
            with pytest.raises(ValueTooLong):
                await alice.keep("draft", bytes(MAX_KEPT_VALUE + 1))
            assert await alice.kept("draft") == bytes([1]) * MAX_KEPT_VALUE


async def test_what_was_read_stays_read_after_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        await his.send("before alice came")
        await his.flush()
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            assert await hers.unread() == 0
            for text in ("one", "two", "three"):
                await his.send(text)
            assert await texts(hers, 3) == ["bob: one", "bob: two", "bob: three"]
            assert await hers.unread() == 3
            await hers.mark_read((await hers.history())[-2].position)
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            assert await hers.unread() == 1
            await hers.send("I see.")
            await hers.flush()
            assert await hers.unread() == 1
