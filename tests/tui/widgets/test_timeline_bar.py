"""The scroll bar of the timeline is drawn when it looks different."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.scrollbar import ScrollBar

sys.path.insert(0, str(Path(__file__).parent))

from timeline_samples import TimelineApp, message, page


async def test_it_is_drawn_when_it_looks_different(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    draw = ScrollBar.render

    def drawing(bar: ScrollBar) -> object:
        drawn.append(bar.position)
        return draw(bar)

    app = TimelineApp(page(*(message(position) for position in range(2000))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(ScrollBar, "render", drawing)
        app.timeline.append([message(2000)])
        await pilot.pause()
        assert drawn == []
        app.timeline.action_first()
        await pilot.pause()
        assert drawn == [0]
        app.timeline.action_last()
        await pilot.pause()
        assert drawn == [0, app.timeline.scroll_y]
