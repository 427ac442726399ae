from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.tui.links import find_links, judge_link
from sottovoce.tui.safe_text import safe, safe_lines


def found(text: str) -> list[str]:
    shown = safe_lines(text)
    return [shown[link.start : link.end] for link in find_links(shown)]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://example.org/a?b=c#d.", ["https://example.org/a?b=c#d"]),
        ("(https://example.org/a_(b))", ["https://example.org/a_(b)"]),
        ("<http://example.org>, and HTTPS://EXAMPLE.ORG!", ["http://example.org", "HTTPS://EXAMPLE.ORG"]),
        ("https://example.org/" + ")" * 32_000, ["https://example.org/"]),
        ("two\nhttps://a.example\nhttps://b.example", ["https://a.example", "https://b.example"]),
        ("https://münchen.example/straße", ["https://münchen.example/straße"]),
        ("[link=https://evil.example]bank[/link]", ["https://evil.example]bank[/link"]),
        ("javascript:alert(1) file:///etc/passwd data:text/html,x ftp://a.example", []),
        ("javascript://example.org/%0aalert(1)", []),
        ("xhttps://example.org nothttp://example.org", []),
        ("https:// http:// https:", []),
        ("no link at all", []),
    ],
)
def test_only_web_addresses_are_links(text: str, links: list[str]) -> None:
    assert found(text) == links


def test_what_turns_writing_around_is_in_no_link() -> None:
    assert found("https://example.org/\u202egro.elpmaxe") == ["https://example.org/gro.elpmaxe"]


@given(st.text(st.sampled_from("htps:/.@x]()[ \n\"'é你") | st.characters(), max_size=60))
def test_links_are_in_order_and_can_be_judged(text: str) -> None:
    shown = safe_lines(text)
    end = 0
    for link in find_links(shown):
        assert end <= link.start < link.end <= len(shown)
        end = link.end
        assert judge_link(safe(shown[link.start : link.end])).url == shown[link.start : link.end]


@given(st.text(max_size=80))
def test_anything_can_be_judged(text: str) -> None:
    judgement = judge_link(safe(text))
    assert judgement.can_open or judgement.warnings


def test_a_plain_address_has_no_warning() -> None:
    judgement = judge_link(safe("https://example.org/path"))
    assert judgement.can_open
    assert (judgement.host, judgement.ascii_host) == ("example.org", "example.org")
    assert judgement.warnings == ()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,hello",
        "ssh://example.org",
        "//example.org",
        "https:///path",
        "https://evil.example\\@bank.example/",
        "https://[::1",
        "https://exa mple.org",
        "https://xn--\u0430.example",
        "",
    ],
)
def test_anything_else_is_not_opened(url: str) -> None:
    judgement = judge_link(safe(url))
    assert not judgement.can_open
    assert len(judgement.warnings) == 1


def test_what_stands_before_the_at_is_not_the_site() -> None:
    judgement = judge_link(safe("https://bank.example:443@evil.example/login"))
    assert judgement.host == "evil.example"
    assert "leads to evil.example" in judgement.warnings[0]


@pytest.mark.parametrize("url", ["https://xn--mnchen-3ya.example/", "https://münchen.example/"])
def test_a_name_with_foreign_letters_is_shown_in_both_forms(url: str) -> None:
    judgement = judge_link(safe(url))
    assert (judgement.host, judgement.ascii_host) == ("münchen.example", "xn--mnchen-3ya.example")
    assert "xn--mnchen-3ya.example" in judgement.warnings[0]


def test_a_look_alike_shows_its_plain_letters() -> None:
    judgement = judge_link(safe("https://аpple.example/"))  # noqa: RUF001 - the point of the test
    assert judgement.ascii_host.startswith("xn--")
    assert judgement.ascii_host in judgement.warnings[0]


def test_letters_of_a_host_cannot_turn_what_is_around_them() -> None:
    host = "abc\u202e".encode("punycode").decode()
    judgement = judge_link(safe(f"https://xn--{host}.example/"))
    assert "\u202e" not in judgement.host + "".join(judgement.warnings)


@pytest.mark.parametrize(
    ("url", "warning"),
    [
        ("https://example.org:8443/", "port 8443"),
        ("https://192.0.2.1/", "number"),
        ("https://3221225985/", "number"),
        ("https://0xc0000201/", "number"),
        ("https://[2001:db8::1]/", "number"),
    ],
)
def test_odd_addresses_are_explained(url: str, warning: str) -> None:
    judgement = judge_link(safe(url))
    assert judgement.can_open
    assert any(warning in each for each in judgement.warnings)
