"""What the screens are shown with in tests: people, rooms, links, all made up."""

from __future__ import annotations

from datetime import UTC, datetime

from sottovoce.tui.safe_text import Safe, safe_name
from sottovoce.tui.screens.door import Place, Refusal, Step, Tell
from sottovoce.tui.view import Invite

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
