"""What the screens are shown with in tests: people, rooms, links, all made up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from sottovoce.tui.safe_text import Safe, safe_name
from sottovoce.tui.screens.door import Place, Refusal, Step, Tell
from sottovoce.tui.screens.help import HelpEntry, HelpSection
from sottovoce.tui.screens.pick import Item
from sottovoce.tui.screens.settings import Setting
from sottovoce.tui.view import Delivery, Explanation, Invite, Member, Message, RoomSecurity, SafetyNumber

AT = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
ROOM = safe_name("friday crew")
LINK = Safe("sottovoce://192.168.1.20:7443/friday%20crew#" + "AZsQ7v9c-Ld2mXkRt4Wb" * 10)
INVITE = Invite(LINK, ROOM, datetime(2026, 11, 29, 14, 5, tzinfo=UTC))
LOCAL = Safe("127.0.0.1:7443")
SERVER = Safe("192.168.1.20:7443")


class SampleDoor:
    """A door that opens: for ``alice`` with any password but ``wrong``; links lead to the friday crew."""

    def __init__(self, local: Safe | None = LOCAL) -> None:
        self.local = local
        self.entered: list[tuple[str | None, str, str, bool]] = []

    async def local_server(self) -> Safe | None:
        return self.local

    async def find(self, typed: str | None) -> Place:
        if typed is None:
            return Place(None, LOCAL, None)
        if typed.startswith("sottovoce://") and len(typed) > 40:
            return Place(typed, SERVER, ROOM)
        if typed.startswith("sottovoce:") or " " in typed:
            raise Refusal(
                Safe("This is not a whole invite link: its end is cut. Copy it again to its very end."),
                Step.SERVER,
            )
        return Place(typed, safe_name(typed))

    async def enter(self, place: Place, user: str, password: str, *, is_new: bool, tell: Tell) -> None:
        tell(Safe("Making your keys"))
        if password == "wrong":
            raise Refusal(
                Safe("The user name or the password is wrong. Check both and try again."), Step.PASSWORD
            )
        if is_new and user == "bob":
            raise Refusal(Safe("The name bob is taken on this server. Choose another one."), Step.NAME)
        if place.server == "gone.example.org":
            raise Refusal(
                Safe("The server at gone.example.org:7443 cannot be reached. Check the address."), Step.SERVER
            )
        self.entered.append((place.typed, user, password, is_new))

    async def invite(self) -> Invite:
        return INVITE


DOOR = SampleDoor()
PLACE = Place(LINK, SERVER, ROOM)
ALICE = Member(safe_name("alice"), 2, verified=True, is_me=True, key_changed=False)
BOB = Member(safe_name("bob"), 1, verified=False, is_me=False, key_changed=False)
CAROL = Member(safe_name("carol"), 3, verified=True, is_me=False, key_changed=False)
DAVE = Member(safe_name("dave"), 1, verified=True, is_me=False, key_changed=True)
DIGITS = "30211 45907 11984 60032 78411 09356 22410 87765 50123 66870 91234 40518"
NUMBER = SafetyNumber(safe_name("bob"), DIGITS, is_changed_key=False)
CHANGED_NUMBER = SafetyNumber(safe_name("dave"), DIGITS, is_changed_key=True)
SECURITY = RoomSecurity(
    Safe("MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519"), 12, "1f8b08003cd245e9", all_verified=False
)
EXPLANATIONS = (
    Explanation(
        Safe(
            "The key of dave is not the verified one: a new account under the same name, or somebody in "
            "between. The room stands still until you decide."
        ),
        Safe(
            "Ask dave by voice or in person, and compare the number that `/verify dave` shows: accept the "
            "new key only if both of you see the same."
        ),
    ),
    Explanation(
        Safe(
            "3 messages at position 41 of the log cannot be shown. They were sent while this device was "
            "out of step."
        ),
        Safe("Ask in the room to have them sent again; if it happens often, ask who runs the server why."),
    ),
)
MESSAGE = Message(
    7,
    7,
    AT,
    safe_name("bob"),
    Safe("see https://example.org/plan"),
    is_mine=False,
    verified=False,
    message_id=bytes(32),
    delivery=Delivery.STORED,
)
URL = Safe("https://example.org/plans/friday?list=all#top")
HELP = (
    HelpSection(
        Safe("Keys"),
        (
            HelpEntry(Safe("F1"), Safe("all keys and commands")),
            HelpEntry(Safe("Alt+Down"), Safe("go to the next room")),
            HelpEntry(Safe("Ctrl+P"), Safe("find a command or a room by typing")),
        ),
    ),
    HelpSection(
        Safe("Commands"),
        (
            HelpEntry(Safe("/invite"), Safe("a link and a QR code that bring a friend in")),
            HelpEntry(Safe("/verify NAME"), Safe("compare safety numbers with somebody")),
            HelpEntry(Safe("//text"), Safe("send a line that begins with a slash")),
        ),
    ),
)
ZONES = tuple(
    Item(f"Europe/{city}", Safe(f"Europe/{city}"), Safe(f"now {10 + at}:00"))
    for at, city in enumerate(
        (
            "Athens",
            "Berlin",
            "Dublin",
            "Helsinki",
            "Kyiv",
            "Lisbon",
            "Madrid",
            "Oslo",
            "Paris",
            "Rome",
            "Vienna",
        )
    )
)
ON_OFF = (("yes", Safe("on")), ("no", Safe("off")))
SETTINGS = (
    Setting(
        "theme",
        Safe("Colours"),
        tuple((name, Safe(name)) for name in ("dark", "light", "high contrast")),
        "dark",
        Safe("How bright the app is."),
        Safe("Looks"),
    ),
    Setting("compact", Safe("Compact"), ON_OFF, "no", Safe("No empty rows."), Safe("Looks")),
    Setting(
        "zone",
        Safe("Time zone"),
        tuple((zone.item_id, zone.label) for zone in ZONES),
        "Europe/Rome",
        Safe("Where the clock is."),
        Safe("Time"),
    ),
    Setting("bell", Safe("Sound"), ON_OFF, "no", Safe("Rings the terminal's bell."), Safe("News")),
)


def found(*names: str) -> Callable[[], Awaitable[list[Safe]]]:
    """What the server answers when it is asked for open rooms."""

    async def look() -> list[Safe]:
        return [Safe(name) for name in names]

    return look
