"""Counters of what the server has done since it started: numbers only, no names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Metrics:
    """Each field only grows, ``connections`` apart; the log shows them when the server stops."""

    connections: int = 0
    connections_accepted: int = 0
    connections_refused: int = 0
    handshakes_failed: int = 0
    deadlines_missed: int = 0
    frames_refused: int = 0
    requests: int = 0
    requests_refused: int = 0
    logins: int = 0
    logins_failed: int = 0
    entries_stored: int = 0
    entries_pushed: int = 0
    catch_ups: int = 0
