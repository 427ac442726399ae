"""The store: encrypted, whole or not at all, and damage told as damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import ClientClosed, StoreDamaged, StoreTooNew, StoreUnwritable
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables.account import ContactRecord, ServerRecord
from sottovoce.client.tables.database import Database
from sottovoce.crypto.secret import Secret

KEY = Secret(bytes(range(32)))
SERVER = ServerRecord("127.0.0.1", 7443, bytes(32))


async def test_what_was_stored_is_there_again(tmp_path: Path) -> None:
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    await store.transact(lambda database: account_table.put_server(database, SERVER))
    await store.close()
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    assert await store.transact(account_table.server) == SERVER
    await store.close()
    await store.close()


async def test_a_transaction_that_fails_stores_nothing(tmp_path: Path) -> None:
    store = await DeviceStore.open(tmp_path / "store.db", KEY)

    def half(database: Database) -> None:
        account_table.put_server(database, SERVER)
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        await store.transact(half)
    assert await store.transact(account_table.server) is None
    await store.close()


async def test_nothing_in_the_file_is_readable(tmp_path: Path) -> None:
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    contact = ContactRecord("CanaryName", b"CanaryKey".ljust(32), False, None)
    await store.transact(lambda database: account_table.put_contact(database, contact, 0))
    files = list(tmp_path.iterdir())  # noqa: ASYNC240 - a test, and a small folder
    assert any(path.name.endswith("-wal") for path in files)
    for path in files:
        assert b"Canary" not in path.read_bytes()
        assert b"SQLite" not in path.read_bytes()[:16]
        assert path.stat().st_mode & 0o777 == 0o600
    await store.close()


async def test_another_key_and_another_file_are_damage(tmp_path: Path) -> None:
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    await store.close()
    with pytest.raises(StoreDamaged):
        await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    (tmp_path / "text.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreDamaged):
        await DeviceStore.open(tmp_path / "text.db", KEY)


@pytest.mark.parametrize(("version", "refusal"), [(99, StoreTooNew), (-1, StoreDamaged), (0, StoreDamaged)])
async def test_a_store_of_another_version_is_not_touched(
    tmp_path: Path, version: int, refusal: type[Exception]
) -> None:
    """0 is the version of an empty database; one that has tables is none of ours."""
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    await store.transact(lambda database: database.execute(f"PRAGMA user_version = {version}"))
    await store.close()
    before = (tmp_path / "store.db").read_bytes()
    with pytest.raises(refusal):
        await DeviceStore.open(tmp_path / "store.db", KEY)
    assert (tmp_path / "store.db").read_bytes() == before


async def test_a_folder_where_a_file_belongs_is_told(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    with pytest.raises(StoreDamaged):
        await DeviceStore.open(tmp_path / "store.db", KEY)


async def test_a_folder_that_takes_no_new_file_is_unwritable_not_damaged(tmp_path: Path) -> None:
    """SQLite cannot make its write-ahead log there, as in a read-only folder."""
    (tmp_path / "store.db-wal").mkdir()
    with pytest.raises(StoreUnwritable, match="disk I/O error"):
        await DeviceStore.open(tmp_path / "store.db", KEY)


async def test_a_record_that_is_none_is_damage(tmp_path: Path) -> None:
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    for record in (b"", b"\xa1\xff", b"\x93\xa1\xff\x01\xc4\x00", b"garbage"):
        await store.transact(
            lambda database, record=record: database.execute(
                "INSERT OR REPLACE INTO meta VALUES ('server', ?)", (record,)
            )
        )
        with pytest.raises(StoreDamaged):
            await store.transact(account_table.server)
    await store.close()


async def test_sqlcipher_says_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreDamaged):
        await DeviceStore.open(tmp_path / "store.db", KEY)
    assert capfd.readouterr() == ("", "")


async def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritable):
        await DeviceStore.open(tmp_path / "no such folder" / "store.db", KEY)
    store = await DeviceStore.open(tmp_path / "store.db", KEY)

    def fill(database: Database) -> None:
        database.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the pages there are: a full disk
        for number in range(1000):
            contact = ContactRecord(f"user{number}", bytes(32), False, None)
            account_table.put_contact(database, contact, 0)

    with pytest.raises(StoreUnwritable):
        await store.transact(fill)
    assert await store.transact(account_table.contacts) == []
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    await store.close()
    with pytest.raises(ClientClosed):
        await store.transact(account_table.server)


async def test_deleted_secrets_are_overwritten(tmp_path: Path) -> None:
    """Threats A10: a used key package's bytes are in no page that is left."""
    store = await DeviceStore.open(tmp_path / "store.db", KEY)

    def work(database: Database) -> tuple[bool, object]:
        account_table.add_key_package(database, b"ref", b"bundle", last_resort=False)
        account_table.consume_key_package(database, b"ref")
        return account_table.is_consumed(database, b"ref"), account_table.key_package(database, b"ref")

    assert await store.transact(work) == (True, None)
    row = await store.transact(lambda database: database.one("PRAGMA secure_delete"))
    assert row == (1,)
    await store.close()
