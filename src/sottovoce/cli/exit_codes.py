"""The exit code of every failure."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """What a process ends with; numbers are part of the interface and never change their meaning."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    SERVER_NOT_REACHABLE = 10
    LOGIN_REFUSED = 11
    NAME_TAKEN = 12
    BAD_LINK = 13
    EXPIRED_LINK = 14
    CERTIFICATE_CHANGED = 15
    PORT_IN_USE = 16
    DATA_UNWRITABLE = 17
    DATA_DAMAGED = 18
    NOT_UTF8 = 19
    LINE_TOO_LONG = 20
    PROFILE_IN_USE = 21
    REGISTRATION_REFUSED = 22
    RATE_LIMITED = 23
    KEY_CHANGED = 24
    UNKNOWN_ROOM = 25
    BAD_ROOM_KEY = 26
    SERVER_REFUSED = 27
    DEMO_FAILED = 28
    TLS_FILES = 29
    UNKNOWN_USER = 30
    OUTPUT_LOST = 31
    LOCAL = 40  # any other refusal on this side
    PEER = 41  # any other fault of the other side
    INTERRUPTED = 130  # Ctrl-C: 128 + SIGINT
    BROKEN_PIPE = 141  # whoever read standard output went away: 128 + SIGPIPE
    TERMINATED = 143  # 128 + SIGTERM


# By the classes' names: a command then imports no room it does not use. tests/cli/test_exit_codes.py holds
# that every error class of the SDK and of the server's start is here or below one that is.
_BY_NAME: Final = {
    "UsageError": ExitCode.USAGE,
    "BadUserName": ExitCode.USAGE,
    "BadRoomName": ExitCode.USAGE,
    "BadInviteTime": ExitCode.USAGE,
    "BadConfiguration": ExitCode.USAGE,
    "TextTooLong": ExitCode.LINE_TOO_LONG,
    "LineTooLong": ExitCode.LINE_TOO_LONG,
    "NotUtf8": ExitCode.NOT_UTF8,
    "BadRoomKey": ExitCode.BAD_ROOM_KEY,
    "FileNotWritable": ExitCode.DATA_UNWRITABLE,
    "OutputLost": ExitCode.OUTPUT_LOST,
    "DemoFailed": ExitCode.DEMO_FAILED,
    "ServerNotReachable": ExitCode.SERVER_NOT_REACHABLE,
    "NoLocalServer": ExitCode.SERVER_NOT_REACHABLE,
    "LinkLost": ExitCode.SERVER_NOT_REACHABLE,
    "WrongPassword": ExitCode.LOGIN_REFUSED,
    "DeviceRefused": ExitCode.LOGIN_REFUSED,
    "NameTaken": ExitCode.NAME_TAKEN,
    "BadInviteLink": ExitCode.BAD_LINK,
    "ExpiredInviteLink": ExitCode.EXPIRED_LINK,
    "CertificateChanged": ExitCode.CERTIFICATE_CHANGED,
    "PortInUse": ExitCode.PORT_IN_USE,
    "AddressNotUsable": ExitCode.PORT_IN_USE,
    "DataDirectoryUnwritable": ExitCode.DATA_UNWRITABLE,
    "DataDirectoryDamaged": ExitCode.DATA_DAMAGED,
    "DataDirectoryTooNew": ExitCode.DATA_DAMAGED,
    "DataDirectoryInUse": ExitCode.PROFILE_IN_USE,
    "TlsFilesUnusable": ExitCode.TLS_FILES,
    "StoreDamaged": ExitCode.DATA_DAMAGED,
    "StoreTooNew": ExitCode.DATA_DAMAGED,
    "KnownServersDamaged": ExitCode.DATA_DAMAGED,
    "StoreUnwritable": ExitCode.DATA_UNWRITABLE,
    "ProfileInUse": ExitCode.PROFILE_IN_USE,
    "RegistrationRefused": ExitCode.REGISTRATION_REFUSED,
    "RateLimited": ExitCode.RATE_LIMITED,
    "KeyChanged": ExitCode.KEY_CHANGED,
    "UnknownRoom": ExitCode.UNKNOWN_ROOM,
    "NotInRoom": ExitCode.UNKNOWN_ROOM,
    "UnknownUser": ExitCode.UNKNOWN_USER,
    "CannotBeAdded": ExitCode.UNKNOWN_USER,
    "ServerRefused": ExitCode.SERVER_REFUSED,
    "RequestRefused": ExitCode.SERVER_REFUSED,
    "NoLifeRecorded": ExitCode.LOCAL,
    "InternalError": ExitCode.INTERNAL,
    "LocalError": ExitCode.LOCAL,
    "PeerError": ExitCode.PEER,
}


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the code of the nearest class above ``error`` that has one; INTERNAL where none has."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), ExitCode.INTERNAL)
