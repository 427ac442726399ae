"""D6: SQL is written by us alone; values are parameters."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

import sottovoce.server.store
from sottovoce.link import messages as m
from sottovoce.link.frames import encode_frame

RUNS_SQL = {"execute", "executemany", "executescript"}
STORE = Path(sottovoce.server.store.__file__).parent


def statements() -> list[tuple[str, ast.expr]]:
    found = []
    for path in STORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr=attr), args=[sql, *_]) if attr in RUNS_SQL:
                    found.append((f"{path.name}:{node.lineno}", sql))
    return found


def test_no_statement_is_built_from_values():
    """Literals only, and sums of literals and module constants; PRAGMAs are built from our own table."""
    places = statements()
    assert len(places) > 30
    for place, expression in places:
        for node in ast.walk(expression):
            if isinstance(node, ast.JoinedStr):
                assert place.startswith("database.py"), f"{place} builds SQL"
            assert isinstance(
                node,
                ast.Constant | ast.BinOp | ast.Add | ast.Name | ast.Load | ast.JoinedStr | ast.FormattedValue,
            ), f"{place} builds SQL"


@pytest.mark.parametrize(
    "user", ["' OR 1=1 --", "a'; DROP TABLE accounts; --", "a\0b", "alice\n", "\uff41lice", "x" * 33, ""]
)
async def test_hostile_names_do_not_even_decode(server, user):
    client = await server.client()
    frame = encode_frame(m.LoginStart(2, "alice", bytes(96)))[4:]
    hostile = msgspec.msgpack.decode(frame)
    hostile[2] = user
    body = msgspec.msgpack.encode(hostile)
    client.writer.write(len(body).to_bytes(4, "big") + body)
    await client.closed.wait()
    assert client.last_error.code == m.ErrorCode.MALFORMED
