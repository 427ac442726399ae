from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client.sanitize import sanitize
from sottovoce.tui.completion import LONGEST_WORD, MOST_CHOICES, Choice, Completer, Completion, SlashCommand
from sottovoce.tui.emoji_names import EMOJI
from sottovoce.tui.safe_text import safe, safe_name

COMMANDS = (
    SlashCommand("who", "who is here"),
    SlashCommand("why", "what went wrong"),
    SlashCommand("verify", "compare a number", "NAME", takes_member=True),
    SlashCommand("invite", "a link for a friend"),
)


@pytest.fixture
def completer() -> Completer:
    completer = Completer()
    completer.commands = COMMANDS
    completer.names = [safe_name(name) for name in ("Alice", "Bobby", "Bob", "bo-peep")]
    return completer


def offered(completer: Completer, line: str, *, is_first: bool = True, is_asked: bool = False) -> list[str]:
    found = completer.offer(line, len(line), is_first=is_first, is_asked=is_asked)
    return [] if found is None else [line[: found.start] + choice.insert for choice in found.choices]


@pytest.mark.parametrize(
    ("line", "choices"),
    [
        ("/wh", ["/who ", "/why "]),
        ("/v", ["/verify ", "/invite "]),
        ("/dance", []),
        ("//wh", []),
        (" /wh", []),
        ("/verify ", []),
        ("/verify b", ["/verify Bobby ", "/verify Bob ", "/verify bo-peep "]),
        ("/verify Bob", ["/verify Bob ", "/verify Bobby "]),
        ("/who b", []),
        ("/verify Bob d", []),
        ("@a", ["@Alice "]),
        ("hi (@AL", ["hi (@Alice "]),
        ("me@a", []),
        ("@zoe", []),
        (":tad", ["🎉"]),
        ("so :tada", ["so 🎉"]),
        (":t", []),
        ("a:tada", []),
        ("🎉:tada", ["🎉🎉"]),
        (":nosuch", []),
        ("bo", []),
    ],
)
def test_what_is_offered_while_one_types(completer: Completer, line: str, choices: list[str]) -> None:
    assert offered(completer, line) == choices


@pytest.mark.parametrize(
    ("line", "choices"),
    [
        ("al", ["Alice: "]),
        ("hi al", ["hi Alice "]),
        ("/verify ", ["/verify Alice ", "/verify Bobby ", "/verify Bob ", "/verify bo-peep "]),
        ("", []),
        ("hi ", []),
        ("zoe", []),
    ],
)
def test_what_tab_offers(completer: Completer, line: str, choices: list[str]) -> None:
    assert offered(completer, line, is_asked=True) == choices


def test_commands_stand_on_the_first_line_alone(completer: Completer) -> None:
    assert offered(completer, "/wh", is_first=False) == []
    assert offered(completer, "al", is_first=False, is_asked=True) == ["Alice "]


def test_all_commands_are_offered_with_their_words(completer: Completer) -> None:
    found = completer.offer("/", 1, is_first=True)
    assert found is not None
    assert [(choice.label, choice.words) for choice in found.choices] == [
        ("/who", "who is here"),
        ("/why", "what went wrong"),
        ("/verify NAME", "compare a number"),
        ("/invite", "a link for a friend"),
    ]


@pytest.mark.parametrize(("line", "is_whole"), [("/who", True), ("/wh", False), ("/", False), ("@bob", True)])
def test_what_is_typed_in_full_needs_no_choice(completer: Completer, line: str, is_whole: bool) -> None:
    found = completer.offer(line, len(line), is_first=True)
    assert found is not None
    assert found.is_whole == is_whole


def test_the_second_colon_closes_a_known_name_alone(completer: Completer) -> None:
    tada = (Choice("🎉", safe("🎉 :tada:")),)
    assert completer.offer("a :tada:", 8, is_first=True) == Completion(2, 8, tada, is_closed=True)
    assert completer.offer("a :tad:", 7, is_first=True) is None


def test_only_what_is_before_the_cursor_counts(completer: Completer) -> None:
    found = completer.offer("@ali and more", 4, is_first=True)
    assert found is not None
    assert (found.start, found.end) == (0, 4)


def test_columns_are_those_of_the_line_however_long(completer: Completer) -> None:
    line = "x" * 3 * LONGEST_WORD + " @ali"
    assert offered(completer, line) == [line.removesuffix("@ali") + "@Alice "]


def test_a_large_room_does_not_make_a_large_list(completer: Completer) -> None:
    completer.names = [safe_name(f"user{n}") for n in range(1000)]
    assert len(offered(completer, "@user")) == MOST_CHOICES


@given(st.text("@/: a1bo\n🎉", max_size=100), st.booleans(), st.booleans())
def test_choices_replace_what_ends_at_the_cursor(line: str, is_first: bool, is_asked: bool) -> None:
    completer = Completer()
    completer.commands, completer.names = COMMANDS, [safe_name("bob")]
    found = completer.offer(line, len(line), is_first=is_first, is_asked=is_asked)
    if found is not None:
        assert 0 <= found.start <= found.end == len(line)
        assert found.choices


def test_emoji_are_one_character_that_may_be_shown() -> None:
    assert len(EMOJI) > 150
    assert all(len(emoji) == 1 and sanitize(emoji) == emoji for emoji in EMOJI.values())
    assert len(set(EMOJI.values())) == len(EMOJI)
