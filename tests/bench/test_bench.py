"""The benchmark completes, and leaves no cell of its tables out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = (2, 3)
COMMAND = [sys.executable, "-m", "bench", "--rounds", "1", "--members"]
SUITES = (1, 0xF002, 83)
OPERATIONS = ("encrypt", "decrypt", "join", "commit", "process")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("bench") / "results.json"
    command = [*COMMAND, *map(str, MEMBERS), "--json", str(file)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(operation in printed for operation in OPERATIONS)
    return json.loads(file.read_text())


def test_every_cell_is_there(results: dict[str, Any]) -> None:
    cells = {(cell["suite"], cell["members"], cell["operation"]): cell for cell in results["cells"]}
    assert set(cells) == set(product(SUITES, MEMBERS, OPERATIONS))
    for cell in cells.values():
        assert 0 < cell["ours"]["best"] <= cell["ours"]["median"]
        assert cell["floor"] > 0


@pytest.mark.skipif(not (ROOT / "interop/node_modules/ts-mls").exists(), reason="make test installs ts-mls")
def test_ts_mls_does_every_operation_of_its_own(results: dict[str, Any]) -> None:
    for cell in results["cells"]:
        assert cell["peer_suite"] == (1 if cell["suite"] == 1 else 83)
        assert 0 < cell["ts_mls"]["best"] <= cell["ts_mls"]["median"]
        assert cell["ratio"] == pytest.approx(cell["ts_mls"]["median"] / cell["ours"]["median"])


def test_keeping_a_group_is_measured(results: dict[str, Any]) -> None:
    stored = {(one["suite"], one["members"], one["after"]) for one in results["stored"]}
    assert stored == set(product(SUITES, MEMBERS, ("the join", "a message", "a commit")))
    assert {one["suite"] for one in results["memory"]} == set(SUITES)
    assert all(one["traced"]["after_join"] > 0 for one in results["memory"])


def test_without_node_the_table_says_so(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    command = [*COMMAND, "2", "--suite", "1", "--json", str(file)]
    environment = {"PATH": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    cells = json.loads(file.read_text())["cells"]
    assert all(cell["ts_mls"] == {"missing": "Node is not installed"} for cell in cells)


@pytest.mark.skipif(shutil.which("node") is None, reason="make test installs Node")
def test_without_ts_mls_the_table_says_so_and_node_nothing(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    command = [*COMMAND, "2", "--suite", "1", "--json", str(file), "--ts-mls", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    (said,) = {cell["ts_mls"]["missing"] for cell in json.loads(file.read_text())["cells"]}
    assert said.startswith("ts-mls is not installed")
    assert said in done.stdout
