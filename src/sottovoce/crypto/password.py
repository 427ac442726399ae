"""Stretching passwords with Argon2id (RFC 9106), within bounds that this side sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sottovoce.crypto.errors import InsufficientMemory, InvalidArgument, UnacceptableParameters
from sottovoce.crypto.secret import Secret

MINIMUM_MEMORY_KIB: Final = 7 * 1024
MAXIMUM_MEMORY_KIB: Final = 1024 * 1024
MAXIMUM_ITERATIONS: Final = 16
MAXIMUM_LANES: Final = 16
MINIMUM_COST_KIB: Final = 35 * 1024
"""The least product of memory and iterations: what 7 MiB five times or 35 MiB once cost a guesser."""

_MINIMUM_SALT_LENGTH: Final = 8
_MINIMUM_LENGTH: Final = 4
_OPAQUE_SALT: Final = bytes(16)
_OPAQUE_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Argon2idParameters:
    """The cost of one guess: memory in KiB, passes over it, lanes. By default as RFC 9106 §4, second.

    They may come from a server, so they are only numbers until :meth:`check` has passed.
    """

    memory_kib: int = 65536
    iterations: int = 3
    lanes: int = 4

    def check(self) -> None:
        """Raise :class:`~sottovoce.crypto.errors.UnacceptableParameters` outside floor and ceiling.

        Takes no memory. Too weak would let a server, or who poses as one, guess the password from one
        login; too strong would bring this machine down.
        """
        within = (
            MINIMUM_MEMORY_KIB <= self.memory_kib <= MAXIMUM_MEMORY_KIB
            and 1 <= self.iterations <= MAXIMUM_ITERATIONS
            and 1 <= self.lanes <= MAXIMUM_LANES
            and self.memory_kib * self.iterations >= MINIMUM_COST_KIB
        )
        if not within:
            raise UnacceptableParameters(
                f"Password hashing with {self.memory_kib} KiB, {self.iterations} passes and"
                f" {self.lanes} lanes is refused: it is too weak, or too much for this machine."
            )

    def to_bytes(self) -> bytes:
        """Return 12 bytes, three big-endian numbers, to bind the parameters into a context.

        Raises :class:`~sottovoce.crypto.errors.UnacceptableParameters` as :meth:`check` does.
        """
        self.check()
        return b"".join(
            number.to_bytes(4, "big") for number in (self.memory_kib, self.iterations, self.lanes)
        )


def stretch(
    password: Secret | bytes, salt: bytes, parameters: Argon2idParameters, length: int = 64
) -> Secret:
    """Return ``length`` bytes, at least 4, of Argon2id over ``password`` and a ``salt`` of at least 8.

    Raises :class:`~sottovoce.crypto.errors.InvalidArgument` for less of either,
    :class:`~sottovoce.crypto.errors.UnacceptableParameters` before any memory is taken, and
    :class:`~sottovoce.crypto.errors.InsufficientMemory` if this machine has not enough of it.
    """
    parameters.check()
    if len(salt) < _MINIMUM_SALT_LENGTH or length < _MINIMUM_LENGTH:
        raise InvalidArgument("Argon2id takes a salt of 8 bytes or more and gives 4 bytes or more.")
    octets = password.reveal() if isinstance(password, Secret) else password
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # a server stretches nothing, only judges

    argon2id = Argon2id(
        salt=salt,
        length=length,
        iterations=parameters.iterations,
        lanes=parameters.lanes,
        memory_cost=parameters.memory_kib,
    )
    try:
        return Secret(argon2id.derive(octets))
    except MemoryError:
        raise InsufficientMemory(
            f"Password hashing needs {parameters.memory_kib // 1024} MiB of memory; close something."
        ) from None


def key_stretching_function(parameters: Argon2idParameters) -> Callable[[bytes], bytes]:
    """Return OPAQUE's KSF: Argon2id with a salt of 16 zeros and 64 bytes of output (RFC 9807 §7).

    The salt may be constant since the input is an OPRF output, different for every account. Raises
    :class:`~sottovoce.crypto.errors.UnacceptableParameters` at once.
    """
    parameters.check()

    def ksf(oprf_output: bytes) -> bytes:
        return stretch(oprf_output, _OPAQUE_SALT, parameters, _OPAQUE_LENGTH).reveal()

    return ksf
