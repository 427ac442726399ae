"""Opening a profile: what cannot be opened is let go of, so that it can be tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from sottovoce.client.device_store import DeviceStore
from sottovoce.client.entrance import open_profile
from sottovoce.client.errors import StoreDamaged, StoreUnwritable
from sottovoce.client.profile import Profile, profile_path
from sottovoce.client.server_address import ServerAddress
from sottovoce.client.tables import account as account_table
from sottovoce.crypto.secret import Secret

PIN = bytes(range(32))
ADDRESS = ServerAddress("localhost", 1, PIN)


@pytest.mark.parametrize("trouble", [StoreDamaged, StoreUnwritable])
async def test_a_profile_that_could_not_be_opened_is_not_in_use_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    profile = Profile.open(profile_path(tmp_path, PIN, "alice"))
    store = await DeviceStore.open(profile.store_path, profile.create_store_key(Secret(b"secret")))
    await store.close()
    profile.close()

    def refuse(_: object) -> None:
        raise StoreUnwritable("store.db")

    if trouble is StoreUnwritable:
        monkeypatch.setattr(account_table, "account", refuse)
    for _ in range(2):
        with pytest.raises(trouble):
            await open_profile(ADDRESS, "alice", "secret", tmp_path, register=None, trace=None)
