"""From what the SDK gives to what the widgets show; all text is made safe here, in the SDK's thread."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sottovoce.client import events as sdk
from sottovoce.client.sanitize import looks_like, skeleton
from sottovoce.tui import view
from sottovoce.tui.safe_text import NOTHING, Safe, safe, safe_lines, safe_name, words

if TYPE_CHECKING:
    from sottovoce.client.client import Client
    from sottovoce.client.room import Room

_AUTHENTICATOR_SHOWN: Final = 8  # bytes
_DIGEST_LENGTH: Final = 8  # bytes


def line_of(stored: sdk.StoredItem) -> view.Line:
    """A timeline item as a line."""
    item = stored.item
    if isinstance(item, sdk.ReceivedMessage):
        return view.Message(
            position=stored.position,
            seq=item.seq,
            at=item.at,
            sender=safe_name(item.sender),
            text=safe_lines(item.text),
            is_mine=item.is_mine,
            verified=item.verified,
            message_id=item.message_id,
            delivery=view.Delivery.STORED,
        )
    text, level = _happening(item)
    return view.Notice(stored.position, item.seq, item.at, text, level)


def queued_line(pending: sdk.PendingMessage, user: str) -> view.Message:
    """One's own message that is not in the log yet."""
    return view.Message(
        position=view.QUEUED_FROM + pending.order,
        seq=0,
        at=datetime.now(UTC),
        sender=safe_name(user),
        text=safe_lines(pending.text),
        is_mine=True,
        verified=True,
        message_id=pending.message_id,
        delivery=view.Delivery.QUEUED,
    )


def _happening(item: sdk.TimelineItem) -> tuple[Safe, view.Level]:
    match item:
        case sdk.Gap(count=count, reason=reason):
            what = {0: "Some messages are", 1: "One message is"}.get(count, f"{count} messages are")
            return safe(f"{what} missing here. {reason}"), view.Level.WARNING
        case sdk.ForkAlarm(sender=sender, reason=reason):
            text = (
                f"{safe_name(sender)} and you were shown two different histories of this room. {safe(reason)}"
            )
            return Safe(text), view.Level.ALARM
        case sdk.KeyChanged(user=user, was_verified=was_verified):
            stop = " You had verified it: nothing is sent until you have looked." if was_verified else ""
            return Safe(f"The key of {safe_name(user)} has changed.{stop}"), view.Level.ALARM
        case sdk.MemberJoined(user=user):
            return Safe(f"{safe_name(user)} joined"), view.Level.INFO
        case sdk.MemberLeft(user=user):
            return Safe(f"{safe_name(user)} left"), view.Level.INFO
        case sdk.RoomRejoined(reason=reason):
            return safe(f"This device joined the room again. {reason}"), view.Level.WARNING
        case _:
            return safe("Something happened that this version cannot show."), view.Level.INFO


def note_of(event: object) -> view.Note | None:
    """What is to be said about an event of the client, if anything."""
    match event:
        case sdk.ServerTrusted(server=server):
            return view.Note(
                safe(
                    f"First contact with {server}: nobody vouched for its key, which is kept from now on. "
                    "An invite link would have."
                ),
                view.Level.WARNING,
            )
        case sdk.RoomAppeared(name=name):
            return view.Note(Safe(f"You were added to {safe_name(name)}."), view.Level.INFO)
        case sdk.RoomTrouble(room=room, reason=reason):
            return view.Note(Safe(f"Trouble in {safe_name(room)}: {safe(reason)}"), view.Level.WARNING)
        case sdk.AccountTrouble(reason=reason):
            return view.Note(safe(reason), view.Level.WARNING)
        case _:
            return None


def look_alike_notes(page: Sequence[sdk.StoredItem], room: Room) -> list[view.Note]:
    """Warn of everybody who joined with a name that could be taken for another member's (threat E3)."""
    joined = [stored.item.user for stored in page if isinstance(stored.item, sdk.MemberJoined)]
    present = [member.user for member in room.members()] if joined else []
    pairs = [(user, looks_like(user, present)) for user in joined]
    return [
        view.Note(
            words(
                "Careful in {room}: {user} and {other} are two people with similar names.",
                room=safe_name(room.name),
                user=safe_name(user),
                other=safe_name(other),
            ),
            view.Level.WARNING,
        )
        for user, other in pairs
        if other is not None
    ]


def link_state(event: sdk.Connected | sdk.Disconnected, server: str) -> view.LinkState:
    """The connection as an event tells it."""
    if isinstance(event, sdk.Connected):
        return view.LinkState(is_online=True, server=safe(event.server), reason=NOTHING, retry_in=None)
    return view.LinkState(
        is_online=False, server=safe(server), reason=safe(event.reason), retry_in=event.retry_in
    )


def room_of(room: Room, unread: int, *, has_alarm: bool) -> view.Room:
    """A room as the list shows it."""
    return view.Room(
        room_id=room.room_id,
        name=safe_name(room.name) or Safe("(no name yet)"),
        unread=unread,
        access=room.access,
        is_member=room.is_member,
        has_alarm=has_alarm,
    )


def members_of(room: Room, user: str) -> tuple[view.Member, ...]:
    """Everybody in the room, oneself first."""
    me = user.lower()
    members = []
    present = room.members()
    by_look: dict[str, list[str]] = {}
    for member in present:
        by_look.setdefault(skeleton(member.user), []).append(member.user)
    for member in present:
        others = [name for name in by_look[skeleton(member.user)] if name != member.user]
        is_changed = room.has_changed_key(member.user)
        members.append(
            view.Member(
                user=safe_name(member.user),
                devices=member.device_count,
                # The key that was verified is not the one that is shown now: nobody vouches for that one.
                verified=member.verified and not is_changed,
                is_me=member.user.lower() == me,
                key_changed=is_changed,
                looks_like=safe_name(others[0]) if others else NOTHING,
            )
        )
    return tuple(sorted(members, key=lambda member: not member.is_me))


def security_of(room: Room, members: Sequence[view.Member]) -> view.RoomSecurity:
    """What protects the room now."""
    authenticator = room.epoch_authenticator or b""
    return view.RoomSecurity(
        suite=safe(room.suite_name),
        epoch=room.epoch,
        authenticator=authenticator[:_AUTHENTICATOR_SHOWN].hex(),
        all_verified=all(member.verified or member.is_me for member in members),
    )


def explanations_of(room: Room) -> tuple[view.Explanation, ...]:
    """What went wrong in the room, newest first."""
    return tuple(view.Explanation(safe(one.what_happened), safe(one.what_to_do)) for one in room.explain())


def me_of(client: Client) -> view.Me:
    """Who this client is."""
    return view.Me(safe_name(client.user), safe(client.server))


def seen_mark(explanations: Sequence[view.Explanation]) -> bytes:
    """What to keep once these explanations were looked at: a short digest of each."""
    return b"".join(map(_digest, explanations))


def unseen_count(explanations: Sequence[view.Explanation], mark: bytes | None) -> int:
    """How many of the explanations are not among those that the mark was made of.

    Not told by their number: one may be settled, or fall out of a list that is full, when another comes.
    """
    kept = mark or b""
    seen = Counter(kept[at : at + _DIGEST_LENGTH] for at in range(0, len(kept), _DIGEST_LENGTH))
    return (Counter(map(_digest, explanations)) - seen).total()


def _digest(explanation: view.Explanation) -> bytes:
    text = f"{explanation.what_happened}\n{explanation.what_to_do}"
    return hashlib.sha256(text.encode()).digest()[:_DIGEST_LENGTH]
