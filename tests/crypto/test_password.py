import pytest
from cryptography.hazmat.primitives.kdf import argon2

from sottovoce.crypto.errors import InsufficientMemory, InvalidArgument, UnacceptableParameters
from sottovoce.crypto.password import Argon2idParameters, key_stretching_function, stretch
from sottovoce.crypto.secret import Secret

LIGHT = Argon2idParameters(memory_kib=18 * 1024, iterations=2, lanes=1)


def test_default_parameters_are_accepted_and_encoded() -> None:
    parameters = Argon2idParameters()
    parameters.check()
    assert parameters.to_bytes().hex() == "00010000" + "00000003" + "00000004"


@pytest.mark.parametrize(
    "parameters",
    [
        Argon2idParameters(1, 3, 4),
        Argon2idParameters(7 * 1024 - 1, 16, 1),
        Argon2idParameters(16 * 1024 * 1024, 1, 1),
        Argon2idParameters(1024 * 1024 + 1, 1, 1),
        Argon2idParameters(65536, 0, 4),
        Argon2idParameters(65536, 17, 4),
        Argon2idParameters(65536, 3, 0),
        Argon2idParameters(65536, 3, 17),
        Argon2idParameters(65536, -3, -4),
        Argon2idParameters(2**40, 2**40, 2**40),
        Argon2idParameters(8 * 1024, 1, 1),
    ],
)
def test_parameters_out_of_bounds(parameters: Argon2idParameters) -> None:
    for use in (parameters.check, parameters.to_bytes, lambda: key_stretching_function(parameters)):
        with pytest.raises(UnacceptableParameters, match="refused"):
            use()
    with pytest.raises(UnacceptableParameters):
        stretch(b"password", bytes(16), parameters)


@pytest.mark.parametrize(
    "parameters", [Argon2idParameters(7 * 1024, 5, 1), Argon2idParameters(35 * 1024, 1, 1)]
)
def test_the_floor_itself_is_accepted(parameters: Argon2idParameters) -> None:
    parameters.check()


def test_stretch_takes_bytes_or_a_secret_and_depends_on_everything() -> None:
    stretched = stretch(b"password", bytes(16), LIGHT)
    assert len(stretched) == 64
    assert stretch(Secret(b"password"), bytes(16), LIGHT) == stretched
    assert stretch(b"Password", bytes(16), LIGHT) != stretched
    assert stretch(b"password", b"s" * 16, LIGHT) != stretched
    assert len(stretch(b"password", bytes(16), LIGHT, 32)) == 32


def test_key_stretching_function_is_argon2id_without_salt() -> None:
    ksf = key_stretching_function(LIGHT)
    assert ksf(b"output") == stretch(b"output", bytes(16), LIGHT, 64).reveal()


def test_too_little_memory_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        def __init__(self, **_: object) -> None: ...

        def derive(self, _: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr(argon2, "Argon2id", Exhausted)
    with pytest.raises(InsufficientMemory, match="needs 64 MiB"):
        stretch(b"password", bytes(16), Argon2idParameters())


@pytest.mark.parametrize(("salt", "length"), [(b"", 64), (bytes(7), 64), (bytes(8), 3)])
def test_lengths_that_argon2id_does_not_have(salt: bytes, length: int) -> None:
    with pytest.raises(InvalidArgument):
        stretch(b"password", salt, LIGHT, length)
