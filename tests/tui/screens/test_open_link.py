"""Where a link leads is decided by its host alone, and nothing opens without a yes (threat E4)."""

from __future__ import annotations

import pytest
from screen_app import shown
from screen_samples import URL
from snapshots import screen_lines

from sottovoce.tui.links import judge_link
from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.open_link import OpenLink, host_span


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/plan", "example.org"),
        ("https://EXAMPLE.org:8443/example.org", "EXAMPLE.org"),
        ("https://bank.example@evil.example/login", "evil.example"),
        ("https://bank.example:x@evil.example", "evil.example"),
        ("https://evil.example@evil.example/", "evil.example"),
        ("https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("https://evil.example#bank.example", "evil.example"),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("https://", ""),
        ("https://[bad/", ""),
        ("example.org", ""),
    ],
)
def test_the_host(url: str, host: str) -> None:
    span = host_span(url)
    assert url[slice(*span)] == host
    if url.startswith("https://evil.example@"):
        assert span[0] > len("https://evil.example")


@pytest.mark.parametrize(("keys", "result"), [("enter", None), ("right enter", True), ("escape", None)])
async def test_opening_takes_a_yes(keys: str, result: bool | None) -> None:
    async with shown(lambda: OpenLink(judge_link(URL))) as (app, pilot, _):
        await pilot.press(*keys.split())
        await pilot.pause()
        assert app.results == [result]


async def test_copying_opens_nothing() -> None:
    async with shown(lambda: OpenLink(judge_link(URL))) as (app, pilot, _):
        await pilot.click("#copy")
        await pilot.pause()
        assert (app.copied, app.results) == ([URL], [None])


async def test_what_is_no_web_page_cannot_be_opened() -> None:
    async with shown(lambda: OpenLink(judge_link(Safe("javascript:alert(1)")))) as (app, _, _):
        assert len(app.screen.query("#open")) == 0
        assert "javascript:alert(1)" in "\n".join(screen_lines(app))


async def test_a_long_address_is_shown_to_its_end() -> None:
    url = Safe("https://example.org/" + "0123456789" * 40 + "/the-end")
    async with shown(lambda: OpenLink(judge_link(url))) as (app, _, _):
        assert url in "".join(line.strip(" │") for line in screen_lines(app))


async def test_warnings_are_shown() -> None:
    odd = judge_link(Safe("https://bank.example@evil.example/"))
    async with shown(lambda: OpenLink(odd)) as (app, _, _):
        assert "⚠ What stands before the @ is not the site" in "\n".join(screen_lines(app))
        assert app.screen.has_class("-alarm")
