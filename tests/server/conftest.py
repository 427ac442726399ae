"""The server's fixtures; importlib mode gives test folders no names, so this one is put on the path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from server_fixtures import identity, link_client, serve, server, server_process

__all__ = ["identity", "link_client", "serve", "server", "server_process"]
