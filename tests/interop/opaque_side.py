"""Both sides of OPAQUE, whoever wrote them, in the same words: bytes in, bytes out."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from node_process import NodeProcess, PeerRefused

from sottovoce.crypto.password import Argon2idParameters, key_stretching_function
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.errors import AuthenticationFailed, LoginFailed
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_record, registration_response


class Refused(Exception):
    """A login was refused, by either side."""


@dataclass(frozen=True)
class Terms:
    """What both sides must agree on beforehand; without names the public keys stand for them."""

    stretching: Argon2idParameters
    client_name: str | None = None
    server_name: str | None = None

    @property
    def ksf(self) -> Callable[[bytes], bytes]:
        return key_stretching_function(self.stretching)

    @property
    def identities(self) -> dict[str, bytes | None]:
        return {
            "client_identity": None if self.client_name is None else self.client_name.encode(),
            "server_identity": None if self.server_name is None else self.server_name.encode(),
        }


@dataclass(frozen=True)
class LoggedIn:
    """What a client has of a login; opaquepy hands no export key out."""

    ke3: bytes
    session_key: bytes
    export_key: bytes | None


class Client(ABC):
    """Registers and logs in, one at a time."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    @abstractmethod
    def start_registration(self, password: str) -> bytes: ...

    @abstractmethod
    def finish_registration(self, response: bytes) -> tuple[bytes, bytes | None]:
        """Return the record and the export key."""

    @abstractmethod
    def start_login(self, password: str) -> bytes: ...

    @abstractmethod
    def finish_login(self, ke2: bytes) -> LoggedIn: ...


class Server(ABC):
    """Answers; the records are kept by the test."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    @abstractmethod
    def respond(self, request: bytes, account: str) -> bytes: ...

    @abstractmethod
    def stored(self, record: bytes) -> bytes: ...

    @abstractmethod
    def start_login(self, record: bytes | None, ke1: bytes, account: str) -> bytes: ...

    @abstractmethod
    def finish_login(self, ke3: bytes) -> bytes:
        """Return the session key."""


# -- ours ------------------------------------------------------------------------------------------------


class OurClient(Client):
    def start_registration(self, password: str) -> bytes:
        self._registration = ClientRegistration.start(password.encode(), random=os.urandom)
        return self._registration.request

    def finish_registration(self, response: bytes) -> tuple[bytes, bytes | None]:
        result = self._registration.finish(
            response, ksf=self.terms.ksf, random=os.urandom, **self.terms.identities
        )
        return result.record, result.export_key.reveal()

    def start_login(self, password: str) -> bytes:
        self._login = ClientLogin.start(password.encode(), random=os.urandom)
        return self._login.ke1

    def finish_login(self, ke2: bytes) -> LoggedIn:
        try:
            result = self._login.finish(ke2, context=b"", ksf=self.terms.ksf, **self.terms.identities)
        except LoginFailed as error:
            raise Refused from error
        return LoggedIn(result.ke3, result.session_key.reveal(), result.export_key.reveal())


class OurServer(Server):
    def __init__(self, terms: Terms, setup: ServerSetup | None = None) -> None:
        super().__init__(terms)
        self._setup = setup or ServerSetup.generate(os.urandom)

    def respond(self, request: bytes, account: str) -> bytes:
        return registration_response(self._setup, request, account.encode())

    def stored(self, record: bytes) -> bytes:
        return registration_record(record)

    def start_login(self, record: bytes | None, ke1: bytes, account: str) -> bytes:
        self._login = ServerLogin.start(
            self._setup,
            record,
            ke1,
            credential_identifier=account.encode(),
            context=b"",
            random=os.urandom,
            **self.terms.identities,
        )
        return self._login.ke2

    def finish_login(self, ke3: bytes) -> bytes:
        try:
            return self._login.finish(ke3).reveal()
        except AuthenticationFailed as error:
            raise Refused from error


# -- theirs ----------------------------------------------------------------------------------------------


def text(octets: bytes) -> str:
    """Return base64url without padding, which both bindings of opaque-ke speak."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets(encoded: str) -> bytes:
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


class _Serenity:
    def __init__(self, process: NodeProcess, terms: Terms) -> None:
        self._process = process
        self.terms = terms

    def _ask(self, operation: str, **asked: object) -> Any:  # JSON
        side = "client" if isinstance(self, Client) else "server"
        try:
            return self._process.ask({"side": side, "do": operation, "with": asked})
        except PeerRefused as error:
            raise Refused from error

    @property
    def _identifiers(self) -> dict[str, object]:
        named = {"client": self.terms.client_name, "server": self.terms.server_name}
        given = {side: name for side, name in named.items() if name is not None}
        return {"identifiers": given} if given else {}

    @property
    def _stretching(self) -> dict[str, object]:
        chosen = self.terms.stretching
        costs = {"memory": chosen.memory_kib, "iterations": chosen.iterations, "parallelism": chosen.lanes}
        return {"keyStretching": {"argon2id-custom": costs}, **self._identifiers}


class SerenityClient(_Serenity, Client):
    def start_registration(self, password: str) -> bytes:
        self._password = password
        answer = self._ask("startRegistration", password=password)
        self._registration = answer["clientRegistrationState"]
        return octets(answer["registrationRequest"])

    def finish_registration(self, response: bytes) -> tuple[bytes, bytes | None]:
        answer = self._ask(
            "finishRegistration",
            password=self._password,
            registrationResponse=text(response),
            clientRegistrationState=self._registration,
            **self._stretching,
        )
        return octets(answer["registrationRecord"]), octets(answer["exportKey"])

    def start_login(self, password: str) -> bytes:
        self._password = password
        answer = self._ask("startLogin", password=password)
        self._login = answer["clientLoginState"]
        return octets(answer["startLoginRequest"])

    def finish_login(self, ke2: bytes) -> LoggedIn:
        answer = self._ask(
            "finishLogin",
            password=self._password,
            loginResponse=text(ke2),
            clientLoginState=self._login,
            **self._stretching,
        )
        if answer is None:
            raise Refused
        keys = (octets(answer[name]) for name in ("finishLoginRequest", "sessionKey", "exportKey"))
        return LoggedIn(*keys)


class SerenityServer(_Serenity, Server):
    def __init__(self, process: NodeProcess, terms: Terms) -> None:
        super().__init__(process, terms)
        self.setup: str = self._ask("createSetup")

    def respond(self, request: bytes, account: str) -> bytes:
        answer = self._ask(
            "createRegistrationResponse",
            serverSetup=self.setup,
            userIdentifier=account,
            registrationRequest=text(request),
        )
        return octets(answer["registrationResponse"])

    def stored(self, record: bytes) -> bytes:
        return record

    def start_login(self, record: bytes | None, ke1: bytes, account: str) -> bytes:
        answer = self._ask(
            "startLogin",
            serverSetup=self.setup,
            registrationRecord=None if record is None else text(record),
            startLoginRequest=text(ke1),
            userIdentifier=account,
            **self._identifiers,
        )
        self._login = answer["serverLoginState"]
        return octets(answer["loginResponse"])

    def finish_login(self, ke3: bytes) -> bytes:
        asked = {"serverLoginState": self._login, "finishLoginRequest": text(ke3)}
        return octets(self._ask("finishLogin", **asked, **self._identifiers)["sessionKey"])


OPAQUEPY_STRETCHING = Argon2idParameters(memory_kib=19 * 1024, iterations=2, lanes=1)
"""The only one that opaquepy has, the default of the argon2 crate; it has no names either."""


class OpaquePyClient(Client):
    def __init__(self, library: ModuleType, terms: Terms) -> None:
        assert terms == Terms(OPAQUEPY_STRETCHING)
        super().__init__(terms)
        self._library = library

    def start_registration(self, password: str) -> bytes:
        self._password = password
        request, self._registration = self._library.register_client(password)
        return octets(request)

    def finish_registration(self, response: bytes) -> tuple[bytes, bytes | None]:
        record = self._library.register_client_finish(self._registration, self._password, text(response))
        return octets(record), None

    def start_login(self, password: str) -> bytes:
        self._password = password
        ke1, self._login = self._library.login_client(password)
        return octets(ke1)

    def finish_login(self, ke2: bytes) -> LoggedIn:
        try:
            ke3, session = self._library.login_client_finish(self._login, self._password, text(ke2))
        except ValueError as error:
            raise Refused from error
        return LoggedIn(octets(ke3), octets(session), None)


class OpaquePyServer(Server):
    def __init__(self, library: ModuleType, terms: Terms) -> None:
        assert terms == Terms(OPAQUEPY_STRETCHING)
        super().__init__(terms)
        self._library = library
        self.setup: str = library.create_setup()

    def respond(self, request: bytes, account: str) -> bytes:
        return octets(self._library.register(self.setup, text(request), account))

    def stored(self, record: bytes) -> bytes:
        return octets(self._library.register_finish(text(record)))

    def start_login(self, record: bytes | None, ke1: bytes, account: str) -> bytes:
        assert record is not None  # opaquepy answers for known accounts only
        ke2, self._login = self._library.login(self.setup, text(record), text(ke1), account)
        return octets(ke2)

    def finish_login(self, ke3: bytes) -> bytes:
        try:
            return octets(self._library.login_finish(text(ke3), self._login))
        except ValueError as error:
            raise Refused from error
