"""The server's half of OPAQUE (RFC 9807), on a thread of its own.

A login by password takes as long as many messages, so none of it runs on the event loop. What it needs is
loaded there too, once the server listens: a login that comes in the first moment waits for that.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sottovoce.opaque.server import ServerLogin, ServerSetup

T = TypeVar("T")


class Passwords:
    """Does one thing after another, in the order they were asked for. Used on the event loop only.

    ``load_setup`` returns the server's long-term secrets; it is called on the thread, until it has succeeded.
    """

    def __init__(self, load_setup: Callable[[], ServerSetup]) -> None:
        self._load_setup = load_setup
        self._setup: ServerSetup | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="opaque")

    async def load(self) -> None:
        """Load what every login needs. Raises what ``load_setup`` does."""
        await self._compute(self._ready_setup)

    async def registration_response(self, request: bytes, credential_identifier: bytes) -> bytes:
        """See :func:`sottovoce.opaque.server.registration_response`."""

        def compute() -> bytes:
            from sottovoce.opaque.server import registration_response

            return registration_response(self._ready_setup(), request, credential_identifier)

        return await self._compute(compute)

    async def registration_record(self, upload: bytes) -> bytes:
        """See :func:`sottovoce.opaque.server.registration_record`."""

        def compute() -> bytes:
            from sottovoce.opaque.server import registration_record

            return registration_record(upload)

        return await self._compute(compute)

    async def start_login(
        self, record: bytes | None, ke1: bytes, *, name: bytes, server_identity: bytes, context: bytes
    ) -> ServerLogin:
        """See :meth:`sottovoce.opaque.server.ServerLogin.start`; ``name`` is the account's, in lower case."""

        def compute() -> ServerLogin:
            from sottovoce.opaque.server import ServerLogin

            return ServerLogin.start(
                self._ready_setup(),
                record,
                ke1,
                credential_identifier=name,
                context=context,
                client_identity=name,
                server_identity=server_identity,
                random=os.urandom,
            )

        return await self._compute(compute)

    def close(self) -> None:
        """Finish what was asked for and end the thread. Blocks."""
        self._thread.shutdown()

    async def _compute(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _ready_setup(self) -> ServerSetup:
        if self._setup is None:
            self._setup = self._load_setup()
        return self._setup
