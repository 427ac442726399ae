from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from sottovoce.tui.app import SottovoceApp, Start
from sottovoce.tui.idle_collection import DUE, IDLE, OVERDUE, YOUNG, IdleCollection


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def thresholds() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    yield before
    gc.unfreeze()
    gc.set_threshold(*before)


def full_collections() -> int:
    return gc.get_stats()[2]["collections"]


def make_one_due() -> None:
    for _ in range(DUE):
        gc.collect(0)


def test_python_is_left_as_it_was(thresholds: tuple[int, int, int]) -> None:
    collection = IdleCollection()
    collection.begin()
    assert gc.get_threshold() == (YOUNG, OVERDUE, thresholds[2])
    assert gc.get_freeze_count() > 0
    collection.end()
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("thresholds")
def test_garbage_is_looked_for_when_nobody_is_there() -> None:
    clock = Clock()
    collection = IdleCollection(clock)
    collection.begin()
    gc.collect()
    make_one_due()
    collection.note_input()
    before = full_collections()
    clock.now += IDLE / 2
    collection.tick()
    assert full_collections() == before
    clock.now += IDLE / 2
    collection.tick()
    assert full_collections() == before + 1
    collection.tick()
    assert full_collections() == before + 1
    make_one_due()
    collection.tick()
    assert full_collections() == before + 2


@pytest.mark.usefixtures("thresholds")
async def test_the_app_holds_full_collections_back_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[bool] = []
    monkeypatch.setattr(IdleCollection, "note_input", lambda _: noted.append(True))
    before = gc.get_threshold()
    app = SottovoceApp(Start(home=tmp_path), tmp_path)
    async with app.run_test() as pilot:
        assert gc.get_threshold()[1] == OVERDUE
        assert not noted
        await pilot.press("tab")
        assert noted
    assert gc.get_threshold() == before
