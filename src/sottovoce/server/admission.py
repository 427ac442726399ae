"""Who may connect: networks allowed and denied, and how many connections there may be.

Addresses are kept in memory while they are connected, and in no log.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_group(host: str) -> str:
    """What limits count as one: an IPv4 address, or an IPv6 /64 (one customer, as networks are given out)."""
    return _group_of(_address(host))


def _group_of(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class Admission:
    """Counts connections and says whether one more is let in."""

    def __init__(
        self, *, allow: Iterable[str], deny: Iterable[str], connections: int, connections_per_address: int
    ) -> None:
        self._allow = [ipaddress.ip_network(network) for network in allow]
        self._deny = [ipaddress.ip_network(network) for network in deny]
        self._most = connections
        self._most_per_address = connections_per_address
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def admit(self, host: str) -> str | None:
        """Count a connection of ``host`` in and return the group to :meth:`leave` with; None: not let in."""
        # An IPv4 address is its own group: when one is connected already, it was let in.
        group = host if host in self._by_address else self._group_let_in(_address(host))
        if group is None or self._total >= self._most or self._by_address[group] >= self._most_per_address:
            return None
        self._total += 1
        self._by_address[group] += 1
        return group

    def _group_let_in(self, address: Address) -> str | None:
        if any(address in network for network in self._deny):
            return None
        if self._allow and not any(address in network for network in self._allow):
            return None
        return _group_of(address)

    def leave(self, group: str) -> None:
        """Count a connection out."""
        self._total -= 1
        self._by_address[group] -= 1
        if self._by_address[group] <= 0:
            del self._by_address[group]


def _address(host: str) -> Address:
    """Read a peer's address; an IPv4 one that came over IPv6 (``::ffff:...``) is IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
