import base64
import contextlib
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto.secret import Secret
from sottovoce.link import invite_link
from sottovoce.link.invite_link import (
    BadInviteLink,
    ExpiredInviteLink,
    InviteLink,
    in_digits,
    is_invite_link,
    parse_address,
)

LINK = InviteLink(
    "chat.example",
    7443,
    "lobby",
    b"p" * 32,
    b"t" * 16,
    b"r" * 16,
    Secret(b"s" * 32),
    3,
    b"f" * 32,
    2_000_000_000,
)
NOW = 1_900_000_000.0

links = st.builds(
    InviteLink,
    host=st.sampled_from(["chat.example", "127.0.0.1", "::1", "2001:db8::7"]),
    port=st.integers(1, 65535),
    room_name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64),
    server_pin=st.binary(min_size=32, max_size=32),
    token=st.none() | st.binary(min_size=16, max_size=16),
    room_id=st.binary(min_size=16, max_size=16),
    join_secret=st.binary(min_size=32, max_size=32).map(Secret),
    join_secret_epoch=st.integers(0, 2**63 - 1),
    inviter_fingerprint=st.none() | st.binary(min_size=32, max_size=32),
    expires_at=st.none() | st.integers(int(NOW) + 1, 2**53),
)


@given(links)
def test_every_link_reads_back(link: InviteLink) -> None:
    assert InviteLink.parse(str(link), now=NOW) == link


@given(links)
def test_every_link_reads_back_in_digits_too(link: InviteLink) -> None:
    head, digits = in_digits(str(link))
    assert digits.isdecimal()
    assert InviteLink.parse(head + digits, now=NOW) == link
    assert in_digits(head + digits) == (head, digits)


def test_every_cut_and_every_other_digit_is_noticed() -> None:
    head, digits = in_digits(str(LINK))
    wrong = [digits[:at] for at in range(len(digits))]
    wrong += [f"{digits[:at]}{(int(digit) + 1) % 10}{digits[at + 1 :]}" for at, digit in enumerate(digits)]
    wrong += ["0", f"0{digits}", "1" * 3000]
    for fragment in wrong:
        with pytest.raises(BadInviteLink):
            InviteLink.parse(head + fragment, now=NOW)


def test_it_reads_as_the_protocol_says() -> None:
    assert str(LINK).startswith("sottovoce://chat.example:7443/lobby#")
    assert str(InviteLink(**(vars(LINK) | {"host": "::1"}))).startswith("sottovoce://[::1]:7443/lobby#")
    assert len(str(LINK)) < 300  # a QR code of version 13 at most


def test_a_paste_may_be_wrapped() -> None:
    text = str(LINK)
    assert InviteLink.parse(f"  {text[:60]}\r\n   {text[60:]}\n", now=NOW) == LINK


def test_an_expired_link_is_told_from_a_bad_one() -> None:
    with pytest.raises(ExpiredInviteLink, match="fresh one"):
        InviteLink.parse(str(LINK), now=2_000_000_000)


def test_every_slip_of_one_character_is_noticed() -> None:
    text = str(LINK)
    for at in range(len("sottovoce://"), len(text)):
        if text[at].isupper() or not text[at].isalnum():
            continue
        slip = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        with pytest.raises(BadInviteLink):
            InviteLink.parse(slip, now=NOW)


def test_every_cut_is_noticed() -> None:
    text = str(LINK)
    for length in range(len(text)):
        with pytest.raises(BadInviteLink):
            InviteLink.parse(text[:length], now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://chat.example/",
        "sottovoce://",
        "sottovoce://h:0/x#AAAA",
        "sottovoce://h:99999/x#AAAAAAAA",
        "sottovoce://[::zz]:1/x#AAAA",
        "sottovoce://[1:2]:1/x#AAAAAA",
        "sottovoce://h:1/%FF#AAAAAAAA",
        "sottovoce://h:1/x#A",
        "x" * 10_000,
        f"sottovoce://h:1/{'x' * 65}#AAAAAAAA",
        "sottovoce://h\x1b[31m:1/x#AAAA",
        "sottovoce://\u210e:1/x#AAAA",
    ],
)
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(BadInviteLink):
        InviteLink.parse(text, now=NOW)


def _with_fragment(packed: bytes) -> str:
    octets = packed + invite_link._checksum("h", 1, "x", packed)
    return f"sottovoce://h:1/x#{base64.urlsafe_b64encode(octets).decode()}".rstrip("=")


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [1],
        [2, b"p" * 32, None, b"r" * 16, b"s" * 32, 0, None, None],
        [1, b"p", None, b"r" * 16, b"s" * 32, 0, None, None],
        [1, b"p" * 32, b"t", b"r" * 16, b"s" * 32, 0, None, None],
        [1, b"p" * 32, None, b"r" * 16, b"s" * 32, -1, None, None],
        [1, b"p" * 32, None, b"r" * 16, b"s" * 32, 0, None, None, msgspec.Raw(b"\x91" * 1400 + b"\xc0")],
    ],
)
def test_a_malformed_inside_is_refused(fields: list[object]) -> None:
    with pytest.raises(BadInviteLink):
        InviteLink.parse(_with_fragment(msgspec.msgpack.encode(fields)), now=NOW)


def test_mutated_links_give_only_the_documented_errors() -> None:
    mutate = random.Random(3)
    alphabet = "".join(map(chr, range(1, 128))) + "é\u202e"
    for _ in range(3000):
        text = list(str(LINK))
        for _ in range(mutate.randint(1, 4)):
            text[mutate.randrange(len(text))] = mutate.choice(alphabet)
        with contextlib.suppress(BadInviteLink, ExpiredInviteLink):
            InviteLink.parse("".join(text), now=NOW)


def test_the_repr_leads_there_but_opens_nothing() -> None:
    assert repr(LINK) == "InviteLink(sottovoce://chat.example:7443/lobby#<redacted>)"


def test_a_link_is_told_from_an_address() -> None:
    assert is_invite_link(" Sottovoce://x")
    assert not is_invite_link("chat.example:7443")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("chat.example", ("chat.example", 7443)),
        ("Chat.example:1", ("chat.example", 1)),
        ("[::1]:5", ("::1", 5)),
        ("[::1]", ("::1", 7443)),
        (" 127.0.0.1:80 ", ("127.0.0.1", 80)),
    ],
)
def test_an_address_is_read(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text, default_port=7443) == address


@pytest.mark.parametrize("text", ["", "a b", "h:x", "h:0", "h:70000", "::1", "[zz]:1", "h:1:2", "é"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInviteLink):
        parse_address(text, default_port=7443)
