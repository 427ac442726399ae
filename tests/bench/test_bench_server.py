"""The server's benchmark completes at a tiny size, and leaves no figure of its table out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.server import latencies, wire
from bench.server.__main__ import main
from bench.server.durability import replies_and_syncs
from bench.server.table import LINES

from sottovoce.link.frames import FrameReader, encode_frame
from sottovoce.link.messages import AppendReply, CatchUp, ClientMessage, EntriesPush, ErrorReply
from sottovoce.link.parts import Entry, EntryKind, ErrorCode

ROOT = Path(__file__).parents[2]
WORKLOADS = ("W1", "W2", "W3", "W4", "W5", "fixed", "W6", "storm", "backlog", "startup", "soak")
WITH_REFERENCE = {"W1", "W2", "W3", "W5"}
OF_STRACE = {"replies_before_sync", "syncs_per_message_under_load"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("bench-server")
    file = directory / "results.json"
    command = [sys.executable, "-m", "bench.server", "--tiny", "--json", str(file)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(directory)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert all(line.what in ended.stdout for line in LINES if line.figure not in OF_STRACE)
    assert file.with_suffix(".md").read_text() == ended.stdout
    assert not list(directory.glob("sottovoce-bench-*")), "the data directories are gone"
    return json.loads(file.read_text())["workloads"]


def test_every_workload_has_every_figure_of_the_table(results: dict[str, Any]) -> None:
    assert tuple(results) == WORKLOADS
    for line in LINES:
        if line.figure not in OF_STRACE:
            assert results[line.workload]["ours"][line.figure] is not None, line


def test_the_reference_is_measured_in_the_same_run(results: dict[str, Any]) -> None:
    assert {name for name, one in results.items() if one["reference"]} == WITH_REFERENCE
    for name in WITH_REFERENCE - {"W5"}:
        one = results[name]
        ratio = one["ours"]["deliveries_per_second"] / one["reference"]["deliveries_per_second"]
        assert one["ratios"]["deliveries_per_second"] == pytest.approx(ratio)


def test_messages_were_delivered_and_none_lost(results: dict[str, Any]) -> None:
    for name in ("W1", "W2", "W3", "fixed", "storm", "backlog"):
        ours = results[name]["ours"]
        assert ours["deliveries_per_second"] > 0, name
        wrongs = ("lost", "unacknowledged", "refused", "lost_connections")
        assert {wrong: ours[wrong] for wrong in wrongs} == dict.fromkeys(wrongs, 0), name


def test_what_was_acknowledged_survives_the_kill(results: dict[str, Any]) -> None:
    ours = results["W6"]["ours"]
    assert ours["found"] == ours["acknowledged"] > 0
    assert ours["lost"] == ours["doubled"] == ours["out_of_order"] == 0
    assert ours.get("replies_before_sync", 0) == 0


def test_churn_reconnects_and_loses_nothing(results: dict[str, Any]) -> None:
    ours = results["soak"]["ours"]
    assert ours["messages"] > 0
    assert ours["reconnections"] > 0
    assert ours["lost"] == ours["lost_connections"] == ours["refused"] == 0


def test_the_whole_backlog_is_fetched(results: dict[str, Any]) -> None:
    assert results["backlog"]["ours"]["entries_fetched"] >= 1500


def test_an_unknown_workload_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "W1,W9"])
    assert ended.value.code == 2
    assert "no workload W9" in capsys.readouterr().err


# --- its parts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 8, 50, 100_000])
def test_frames_are_counted_whatever_pieces_they_come_in(piece: int) -> None:
    marker = b"\xfe\xffmarker"
    entry = Entry(1, EntryKind.MESSAGE, 0, marker + bytes(50), 5)
    stream = b"".join(
        encode_frame(message)
        for message in (
            EntriesPush(bytes(16), [entry] * 3),
            AppendReply(7, [1]),
            CatchUp(bytes(16), 9),
            EntriesPush(bytes(16), [entry]),
            ErrorReply(8, ErrorCode.RATE_LIMITED, "slower"),
            AppendReply(9, [2]),
        )
    )
    counter, seen = wire.FrameCounter(), 0
    for at in range(0, len(stream), piece):
        part = stream[at : at + piece]
        buffer = bytearray(counter.carry + part + b"\xff" * 20)
        end = wire.HEADER_BYTES + len(part)
        seen += buffer.count(marker, 0, end)
        counter.take(buffer, end)
    assert (seen, counter.acknowledged, counter.caught_out, counter.refused) == (4, 2, 1, 1)


def test_a_prebuilt_message_is_one_of_the_protocol() -> None:
    import msgspec

    marker, room = b"\xfe\xffmarker", bytes(range(16))
    sender = wire.Sender(77, room, marker, 300)
    decoder = msgspec.msgpack.Decoder(ClientMessage)
    first, second = (decoder.decode(next(iter(FrameReader().frames(sender.next(123_456))))) for _ in range(2))
    assert first.room_id == room
    assert first.id != second.id
    message = first.messages[0]
    assert message.message_id != second.messages[0].message_id
    assert len(message.payload) == 300
    assert message.payload.startswith(marker)
    assert wire.due_time(message.payload, 0) == 123_456
    assert wire.origin(message.payload) == (77, 0)
    assert wire.origin(second.messages[0].payload) == (77, 1)


def test_quantiles_are_right_to_a_few_percent() -> None:
    counts = latencies.added([latencies.counted(range(1000, 501_000, 1000)), latencies.counted([1_000_000])])
    assert latencies.quantile(counts, 0.5) == pytest.approx(0.25, rel=0.03)
    assert latencies.quantile(counts, 1.0) == pytest.approx(1.0, rel=0.03)


def test_a_reply_that_left_before_its_sync_is_seen() -> None:
    good = '7 fdatasync(9</d/server.db-wal>) = 0\n5 write(12<socket:[88]>, ""..., 90) = 90\n'
    resumed = (
        '7 fdatasync(9</d/server.db-wal> <unfinished ...>\n5 write(3<anon_inode:[eventfd]>, ""..., 8) = 8\n'
        '7 <... fdatasync resumed>) = 0\n5 write(12<TCP:[88]>, ""..., 90) = 90\n'
    )
    bad = '5 write(12<socket:[88]>, ""..., 90) = 90\n'
    assert replies_and_syncs(good + resumed)["replies_before_sync"] == 0
    assert replies_and_syncs(good + bad + resumed) == {
        "replies_traced": 3,
        "replies_before_sync": 1,
        "syncs_per_message_one_by_one": pytest.approx(2 / 3),
    }
    too_early = (
        "7 fdatasync(9</d/server.db-wal> <unfinished ...>\n" + bad + "7 <... fdatasync resumed>) = 0\n"
    )
    assert replies_and_syncs(too_early)["replies_before_sync"] == 1
