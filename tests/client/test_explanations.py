"""What is advised can be done in every chat, whichever of them shows the sentence."""

from __future__ import annotations

import re

import pytest

from sottovoce.cli.chat_commands import HELP
from sottovoce.client import explanations
from sottovoce.client.errors import KeyChanged, UnknownUser
from sottovoce.tui.commands import BY_NAME

ADVICE = [
    one.what_to_do
    for one in (
        explanations.gap(3, 2, "It is gone."),
        explanations.replayed("bob"),
        explanations.removed("bob"),
        explanations.key_changed("bob", was_verified=True),
        explanations.two_keys("bob", is_own_name=True),
        explanations.two_keys("bob", is_own_name=False),
        explanations.rejoined("It was lost."),
        explanations.passed_over(3),
        explanations.superseded(3),
        explanations.sending_blocked("bob"),
        explanations.fork("They differ."),
        explanations.off_the_roster(),
    )
]


@pytest.mark.parametrize("text", [*ADVICE, str(KeyChanged("bob")), str(UnknownUser("bob"))])
def test_only_commands_that_every_chat_has_are_named(text: str) -> None:
    for quoted in re.findall("`(.*?)`", text):
        name, _, argument = quoted.removeprefix("/").partition(" ")
        assert quoted.startswith("/")
        assert f"/{name}" in HELP
        assert name in BY_NAME
        assert argument == ("bob" if BY_NAME[name].argument else "")


def test_a_changed_key_is_compared_before_it_is_accepted() -> None:
    blocked, changed = explanations.sending_blocked("bob"), explanations.key_changed("bob", was_verified=True)
    for text in (blocked.what_to_do, changed.what_to_do, str(KeyChanged("bob"))):
        assert "`/verify bob` shows" in text
