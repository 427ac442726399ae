"""Which account a command acts for, and with which password."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from sottovoce.cli.prompts import (
    ask_password,
    ask_user_name,
    check_user_name,
    has_terminal,
    password_from_environment,
    tell_chosen_account,
)
from sottovoce.client.errors import ProfileInUse
from sottovoce.client.profile import Profile, default_home, known_accounts, profile_path
from sottovoce.client.server_address import ServerAddress, find_server


@dataclass(frozen=True)
class Account:
    """A user name and a password. ``was_asked``: a person typed the password, and may type it again."""

    user: str
    password: str = field(repr=False)
    is_new: bool
    was_asked: bool


@dataclass(frozen=True)
class Place:
    """The server that is meant, and where its profiles live."""

    address: ServerAddress
    home: Path

    @property
    def accounts(self) -> list[str]:
        """Accounts with a profile for this server here."""
        return [] if self.address.pin is None else known_accounts(self.home, self.address.pin)

    def is_idle(self, account_name: str) -> bool:
        """Tell whether no process uses the profile of this account right now."""
        if self.address.pin is None or account_name not in self.accounts:
            return True
        try:
            Profile.open(profile_path(self.home, self.address.pin, account_name)).close()
        except ProfileInUse:
            return False
        return True


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which server and which account."""
    parser.add_argument(
        "--user", metavar="NAME", help="the account to use; without it, the only idle one here"
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="where profiles are kept (default: $SOTTOVOCE_HOME, or your data folder)",
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        help="log handshakes, key derivations and frames to stderr, never a secret",
    )


def find_place(link: str | None, home: Path | None) -> Place:
    """Resolve LINK, HOST:PORT or the local server; raises what :func:`find_server` does."""
    home = default_home() if home is None else home
    return Place(find_server(link, home), home)


def choose_account(place: Place, user: str | None) -> Account:
    """Find or ask for the user name, then for the password.

    Raises :class:`ProfileInUse` before it asks for a password in vain, and
    :class:`~sottovoce.cli.errors.UsageError` where there is nobody to ask.
    """
    accounts = place.accounts
    only_idle = None
    if user is None:
        idle = [name for name in accounts if place.is_idle(name)]
        only_idle = idle[0] if len(idle) == 1 else None
        user = only_idle or ask_user_name(accounts)
    name = check_user_name(user).lower()
    if not place.is_idle(name):
        raise ProfileInUse(user)
    is_new = name not in accounts
    given = password_from_environment()
    if given:
        return Account(user, given, is_new, was_asked=False)
    if only_idle is not None and has_terminal():
        tell_chosen_account(only_idle)
    return Account(user, ask_password(is_new=is_new), is_new, was_asked=True)


def ask_password_again(account: Account) -> Account:
    """Return the account with the password typed once more."""
    return Account(account.user, ask_password(is_new=False), account.is_new, was_asked=True)
