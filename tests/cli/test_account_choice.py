"""Which account a command acts for: the profiles are made by hand, no server is needed."""

from pathlib import Path

import pytest

from sottovoce.cli import account_choice
from sottovoce.cli.account_choice import Account, Place, choose_account
from sottovoce.cli.errors import UsageError
from sottovoce.client.errors import ProfileInUse
from sottovoce.client.profile import Profile, profile_path
from sottovoce.client.server_address import ServerAddress

PIN = bytes(range(32))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(ServerAddress("127.0.0.1", 7443, PIN), tmp_path)


def make_profile(place: Place, name: str) -> Path:
    path = profile_path(place.home, PIN, name)
    Profile.open(path).close()
    (path / "key").touch()
    return path


@pytest.fixture(autouse=True)
def someone_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOTTOVOCE_PASSWORD", raising=False)
    monkeypatch.setattr(account_choice, "has_terminal", lambda: True)
    monkeypatch.setattr(account_choice, "ask_user_name", lambda known: f"asked-{len(known)}")
    monkeypatch.setattr(
        account_choice, "ask_password", lambda *, is_new: "typed twice" if is_new else "typed"
    )


def test_without_a_profile_both_are_asked(place: Place) -> None:
    assert choose_account(place, None) == Account("asked-0", "typed twice", is_new=True, was_asked=True)


def test_the_only_idle_account_is_taken_and_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    make_profile(place, "bob")
    assert choose_account(place, None) == Account("bob", "typed", is_new=False, was_asked=True)
    assert "You are bob on this machine" in capsys.readouterr().err


def test_of_two_idle_accounts_one_is_asked_for(place: Place) -> None:
    make_profile(place, "alice")
    make_profile(place, "bob")
    assert choose_account(place, None).user == "asked-2"


def test_an_account_that_is_in_use_is_not_offered(place: Place) -> None:
    make_profile(place, "alice")
    busy = Profile.open(make_profile(place, "bob"))
    assert choose_account(place, None).user == "alice"
    with pytest.raises(ProfileInUse):
        choose_account(place, "Bob")
    busy.close()


def test_a_named_account_is_not_announced(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    make_profile(place, "bob")
    assert choose_account(place, "Bob").user == "Bob"
    assert capsys.readouterr().err == ""


def test_the_environments_password_is_not_asked_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTTOVOCE_PASSWORD", "given")
    account = choose_account(place, "new")
    assert (account.password, account.was_asked) == ("given", False)
    assert "given" not in repr(account)


def test_what_is_no_name_is_refused_before_a_path_is_made_of_it(place: Place) -> None:
    with pytest.raises(UsageError):
        choose_account(place, "../../etc")
    assert list(place.home.iterdir()) == []
