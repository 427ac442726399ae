"""Links in texts: found, judged and shown whole; opening one is for a person to decide (threat E4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from sottovoce.tui.safe_text import Safe, safe

SCHEMES: Final = ("http", "https")

_LINK: Final = re.compile(r"(?<![\w@/.-])https?://[^\s<>\"`{}|\\^]+", re.IGNORECASE)
_CLOSING: Final = {")": "(", "]": "[", "}": "{", "»": "«", "”": "“"}
_SENTENCE_ENDS: Final = ".,;:!?'\"*_~…。，！？、"  # noqa: RUF001 - the full-width ones end sentences too
_ASCII_HOST: Final = re.compile(r"[A-Za-z0-9_.-]+")
_ADDRESS: Final = re.compile(r"\[.*\]|(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+))*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """A link in a text: from ``start`` up to, not including, ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person should know before opening ``url``.

    ``can_open``: False if it is no web address. ``host``: where it leads, as letters; ``ascii_host``: the
    same as the machine is asked for it (``xn--``). ``warnings``: whole sentences, the gravest first.
    """

    url: Safe
    can_open: bool
    host: Safe
    ascii_host: Safe
    warnings: tuple[Safe, ...]


def find_links(text: Safe) -> tuple[Span, ...]:
    """Return the web addresses in ``text``, without the punctuation of the sentence around them."""
    if "://" not in text:
        return ()
    return tuple(
        Span(match.start(), match.start() + len(link))
        for match in _LINK.finditer(text)
        if len(link := _trimmed(match[0])) > len("https://")
        or (link.lower().startswith("http://") and link[7:])
    )


def judge_link(url: Safe) -> Judgement:
    """Say where ``url`` leads, and what is odd about it. Raises nothing."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return _refused(url, "This is no address that can be opened.")
    if parts.scheme.lower() not in SCHEMES:
        return _refused(url, "Only web addresses (http and https) are opened.")
    if not host or "\\" in url:  # a browser takes \\ for /, which moves the end of the site's name
        return _refused(url, "No site is named in this address.")
    letters, ascii_host = _both_forms(host)
    if letters is None or ascii_host is None:
        return _refused(url, "The name of this site is not written as names of sites are.")
    warnings = [*_warnings(parts, letters, ascii_host, port)]
    return Judgement(url, True, safe(letters), safe(ascii_host), tuple(Safe(warning) for warning in warnings))


def _refused(url: Safe, reason: str) -> Judgement:
    return Judgement(url, False, Safe(""), Safe(""), (Safe(reason),))


def _trimmed(link: str) -> str:
    """Take from the end what belongs to the sentence: full stops, and brackets that were opened before."""
    surplus = {closing: link.count(closing) - link.count(opening) for closing, opening in _CLOSING.items()}
    end = len(link)
    while end and (link[end - 1] in _SENTENCE_ENDS or surplus.get(link[end - 1], 0) > 0):
        end -= 1
        if link[end] in surplus:
            surplus[link[end]] -= 1
    return link[:end]


def _both_forms(host: str) -> tuple[str | None, str | None]:
    """Return a host's name in letters and in ASCII; None for a name that has no such form."""
    if _ADDRESS.fullmatch(host) or ":" in host:
        return host, host
    try:
        ascii_host = host if _ASCII_HOST.fullmatch(host) else host.encode("idna").decode("ascii")
        letters = ".".join(_label_in_letters(label) for label in ascii_host.split("."))
    except UnicodeError:
        return None, None
    return (letters, ascii_host) if _ASCII_HOST.fullmatch(ascii_host) else (None, None)


def _label_in_letters(label: str) -> str:
    return label[4:].encode("ascii").decode("punycode") if label.lower().startswith("xn--") else label


def _warnings(parts: SplitResult, letters: str, ascii_host: str, port: int | None) -> list[str]:
    warnings = []
    if parts.username is not None or parts.password is not None:
        warnings.append(f"What stands before the @ is not the site: this leads to {safe(ascii_host)}.")
    if ascii_host != letters or not letters.isascii():
        warnings.append(
            f"The name {safe(letters)} holds letters that may look like others; "
            f"in plain letters: {safe(ascii_host)}."
        )
    if _ADDRESS.fullmatch(ascii_host) or ":" in ascii_host:
        warnings.append("The site is named by a number, not by a name.")
    if port is not None and port != {"http": 80, "https": 443}[parts.scheme.lower()]:
        warnings.append(f"It asks for an unusual door of the site (port {port}).")
    return warnings
