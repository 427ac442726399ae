"""The items of a room's timeline, and the client's events, as lines of text."""

from __future__ import annotations

from sottovoce.client.events import (
    AccountRegistered,
    AccountTrouble,
    Connected,
    Disconnected,
    ForkAlarm,
    Gap,
    KeyChanged,
    MemberJoined,
    MemberLeft,
    ReceivedMessage,
    RoomAppeared,
    RoomRejoined,
    RoomTrouble,
    ServerTrusted,
    TimelineItem,
)
from sottovoce.client.sanitize import NAME_LIMIT, sanitize


def name_text(name: str) -> str:
    """Return a name as it may stand in a line."""
    return sanitize(name, limit=NAME_LIMIT)


def message_text(message: ReceivedMessage) -> str:
    """Return a message as its one line on standard output: ``Bob: Hi everyone!``."""
    return f"{name_text(message.sender)}: {sanitize(message.text)}"


def happening_text(item: TimelineItem) -> str | None:
    """Return what to say on standard error about anything in a timeline that is no message."""
    match item:
        case Gap(count=count, reason=reason):
            what = {0: "some messages are", 1: "1 message is"}.get(count, f"{count} messages are")
            return f"gap at #{item.seq}: {what} missing. {sanitize(reason)} /why says more."
        case ForkAlarm(sender=sender, reason=reason):
            return (
                f"ALARM: {name_text(sender)} and you were shown two histories of this room. "
                f"{sanitize(reason)} /why says what to do."
            )
        case KeyChanged(user=user, was_verified=was_verified):
            verified = (
                ", which you had verified: nothing is sent until you have looked" if was_verified else ""
            )
            return f"ALARM: the key of {name_text(user)} has changed{verified}. /why says what to do."
        case MemberJoined(user=user):
            return f"{name_text(user)} is in the room"
        case MemberLeft(user=user):
            return f"{name_text(user)} left the room"
        case RoomRejoined(reason=reason):
            return f"joined the room again: {sanitize(reason)}"
        case _:
            return None


def event_text(event: object) -> str | None:
    """Return what to say about the connection."""
    match event:
        case Connected(server=server):
            return f"connected to {sanitize(server)}"
        case Disconnected(reason=reason):
            return f"offline: {sanitize(reason)} It is tried again and again; what you type is kept."
        case ServerTrusted(server=server, pin=pin):
            return (
                f"first contact with {sanitize(server)}: nobody vouched for its key {pin.hex()[:32]}..., "
                "which is kept from now on. An invite link would have."
            )
        case AccountRegistered(user=user):
            return f"made the account {name_text(user)} on this server"
        case RoomAppeared(name=name):
            return f"you were added to the room {name_text(name)}: `sottovoce chat --room` opens it"
        case RoomTrouble(room=room, reason=reason):
            return f"trouble in {name_text(room)}: {sanitize(reason)}"
        case AccountTrouble(reason=reason):
            return f"trouble with the account: {sanitize(reason)}"
        case _:
            return None
