"""What can be done with a message."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.pick import Item, Pick
from sottovoce.tui.view import Message


class MessageAction(Enum):
    """What a person can choose, links aside."""

    COPY = "copy"
    XRAY = "xray"
    MEMBER = "member"


LINK: Final = "link:"
"""What the result begins with when a link was chosen; its index in the list given follows."""


class MessageActions(Pick):
    """Result: the value of a :class:`MessageAction`, or :data:`LINK` and a number."""

    def __init__(self, message: Message, links: Sequence[Safe] = ()) -> None:
        items = [
            Item(MessageAction.COPY.value, Safe("Copy the text")),
            *(Item(f"{LINK}{at}", Safe("Open link"), link) for at, link in enumerate(links)),
            Item(MessageAction.XRAY.value, Safe("X-ray"), Safe("how it was encrypted")),
        ]
        if not message.is_mine:
            items.append(Item(MessageAction.MEMBER.value, words("About {sender}", sender=message.sender)))
        title = (
            Safe("Your message") if message.is_mine else words("Message of {sender}", sender=message.sender)
        )
        super().__init__(title, items)
