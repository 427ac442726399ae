"""The sentences of `/why`: what happened, and what to do about it.

They name only what every chat has (`/verify NAME` shows the number, and says how to accept it there).
"""

from __future__ import annotations

from typing import Final

from sottovoce.client.events import Explanation

ASK_THE_MEMBERS: Final = (
    "Compare with the others, by voice or in person, what each of you sees; if it differs, whoever runs the "
    "server showed you different histories: move to another server."
)


def gap(seq: int, count: int, reason: str) -> Explanation:
    """Messages that cannot be shown."""
    messages = "One message" if count == 1 else f"{count} messages" if count else "Some messages"
    return Explanation(
        f"{messages} at position {seq} of the log cannot be shown. {reason}",
        "Ask in the room to have them sent again; if it happens often, ask who runs the server why.",
    )


def replayed(user: str) -> Explanation:
    """A message that came twice."""
    return Explanation(
        f"A message of {user} was delivered a second time and is shown once.",
        "Nothing is lost. If it happens often, ask who runs the server why.",
    )


def removed(user: str) -> Explanation:
    """This device was taken out."""
    return Explanation(
        f"{user} removed you from the room.", "Ask a member for an invite link if that was a mistake."
    )


def key_changed(user: str, *, was_verified: bool) -> Explanation:
    """A pinned account key is not the one shown."""
    known = "verified" if was_verified else "known"
    return Explanation(
        f"The key of {user} is not the {known} one: a new account under the same name, or somebody in "
        "between. The room stands still until you decide.",
        f"Ask {user} by voice or in person, and compare the number that `/verify {user}` shows: accept the "
        "new key only if both of you see the same.",
    )


def two_keys(user: str, *, is_own_name: bool) -> Explanation:
    """A room with two account keys under one name, of which none is pinned but one's own."""
    who = (
        f"Somebody is in the room under your name, {user}, with another key than yours: a former account of "
        "yours, or somebody who pretends to be you."
        if is_own_name
        else f"Two accounts in the room have one name, {user}, and two keys: one is not who it says it is."
    )
    return Explanation(
        f"{who} This device does not enter.",
        f"Ask a member, by voice or in person, to take them out (`/remove {user}`), and for a fresh invite "
        "link (`/invite`) to follow then.",
    )


def rejoined(reason: str) -> Explanation:
    """The room's state was lost and joined again."""
    return Explanation(
        f"This device had lost step with the room and joined it again. {reason}",
        "Nothing to do; messages from in between may be missing here.",
    )


def passed_over(seq: int) -> Explanation:
    """A commit that breaks the rules: the room waits for one in its place."""
    return Explanation(
        f"The change of the room at position {seq} of the log did not follow its rules and was passed over. "
        "Until a member's device has put another in its place, nothing is sent.",
        "Wait a few seconds: this device does it too. If it happens often, ask who runs the server whose "
        "account it is.",
    )


def superseded(seq: int) -> Explanation:
    """A commit in the place of one that this device had followed."""
    return Explanation(
        f"At position {seq} of the log a member put another change in the place of one that this device had "
        "followed; it was passed over.",
        "Ask in the room, or elsewhere, who still reads you; a device that cannot follow joins again by "
        "itself at the next change.",
    )


def sending_blocked(user: str) -> Explanation:
    """A verified contact's key changed."""
    return Explanation(
        f"Nothing is sent: the verified key of {user} has changed.",
        f"Compare the number that `/verify {user}` shows with {user}, by voice or in person: accept the new "
        "key only if both of you see the same.",
    )


def fork(reason: str) -> Explanation:
    """Two histories of one room."""
    return Explanation(reason, ASK_THE_MEMBERS)


def off_the_roster() -> Explanation:
    """The server no longer lists this device in the room."""
    return Explanation(
        "The server says this device was taken out of the room while it was away; it cannot be checked.",
        "Ask a member; an invite link (`/invite`) lets you in again.",
    )
