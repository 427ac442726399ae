"""What hostile people put into names, texts, links and reasons: each holds the word ``shown``."""

from __future__ import annotations

from hostile_texts import hostile_texts  # what terminals act on, for every face

_GRAPHICS = (
    "shown\x1b_Gf=100,a=T,t=f;L2V0Yy9wYXNzd2Q=\x1b\\",
    "shown\x1b_Ga=q,i=31,s=1,v=1,t=d,f=24;AAAA\x1b\\",
    "\x1bPq#0;2;0;0;0#0~~@@vv@@~~$\x1b\\shown",
    'shown\x1bP0;1;0q"1;1;9999;9999#1!9999~\x9c',
    "shown\x1b]1337;File=inline=1;size=4:AAAA\x07",
    "shown\x1b]1337;RequestUpload=format=tgz\x07",
    "shown\x1b]1337;Copy=:cm0gLXJm\x07",
)  # fmt: skip
_NOTIFICATIONS = (
    "shown\x1b]9;4;1;50\x07",
    "shown\x1b]9;you have been hacked\x07",
    "shown\x1b]777;notify;root;password\x1b\\",
    "shown\x1b]99;i=1:d=0;root\x1b\\",
    "shown\x1b]633;E;rm -rf ~\x07",
    "shown\x1b]133;C;cmdline=rm\x07",
)
_QUERIES = (
    "shown\x1b[c", "shown\x1b[=c", "shown\x1b[>0c", "shown\x1b[?6n", "shown\x1bZ", "shown\x1b[?1;1;0S",
    "shown\x1bP+q544e\x1b\\", 'shown\x1bP$q"p\x1b\\', "shown\x1bP$qm\x1b\\", "shown\x1b[?5$p",
    "shown\x1b[14t", "shown\x1b[>q", "shown\x1b]10;?\x1b\\", "shown\x1b]4;0;?\x9c", "shown\x05",
    "shown\x1b[?u", "shown\x1b[>31u", "shown\x1b[>4;2m", "shown\x1b[1x",
)  # fmt: skip
_NESTED = (
    "shown\x1b]0;a\x1b]0;b\x07c\x07",
    "shown\x1b\x1b]0;a\x07",
    "shown\x1b[\x1b[2J2J",
    "shown\x1b[3\x1b[1m1m",
    "shown\x1b]\x1b\\0;a\x07",
    "\x1bPtmux;\x1b\x1b]52;c;AAAA\x07\x1b\\shown",
    "shown\x1b]8;;\x1b]0;a\x07\x1b\\b\x1b]8;;\x07",
    "shown\x9d0;a\x9d0;b\x9c\x9c",
    "shown\x1b\u200b[2J",
    "shown\x1b\x7f[2J",
    "shown\x1b\x00[2J",
    "shown\x1b[2\x18J\x1b[2\x1aJ",
    "shown\x1b[?1049l\x1b[?25h\x1b[?2026h\x1bc",
)
_SPLIT = tuple(
    part
    for whole in ("\x1b[2J", "\x1b]0;owned\x07", "\x1bP+q544e\x1b\\", "\x9b31m", "\x1b]52;c;AAAA\x07")
    for part in (f"shown{whole[:1]}", f"{whole[1:]}shown", f"shown{whole[:-1]}", f"{whole[-1:]}shown")
)
_MARKUP = (
    "[link=http://evil.example]shown[/link]",
    "[@click=app.quit]shown[/]",
    "[@click='screen.dismiss(True)']shown[/]",
    "[bold red on blue]shown[/]",
    "[/]shown[/bold]",
    "[shown",
    "\\[bold]shown[/bold]",
    "[$error]shown[/]",
    "[reverse blink]shown",
    ":bomb: shown",
    "[link=http://evil.example\x1b]52;c;AAAA\x07]shown[/link]",
    "**shown** `\x1b[31mred\x1b[0m` <b>\x9b1m</b>",
    "```\n\x1b]8;;http://evil.example\x07shown\x1b]8;;\x07\n```",
    "{shown}", "{shown.__class__}", "%s %n shown", "${HOME}shown", "`shown`",
)  # fmt: skip
_UNICODE = (
    "\u202eshown\u202c",
    "shown\u2066\u2067\u2068" * 40,
    "\u200fshown\u200e\u061c",
    "sh\u200bo\u2060w\ufeffn shown",
    "shown" + "\u0300\u0489\u20dd" * 300,
    "\u0301\u0302shown",
    "shown" + "\U000e0041\U000e007f" * 20,
    "shown\ufffe\uffff\U0010ffff\ufdd0",
    "shown\ud800\udfff",
    "shown\ue000\U000f0000",
    "shown" + "\N{MAN}\u200d" * 50,
    "shown" + "\U0001f1e6" * 33,
    "\uff33\uff28shown" + "\u6f22" * 2000,
    "shown\u3164\u115f\u2800\u00ad",
    "shown\ufdfd\U0001242b",
    "shown" + "x" * 30_000,
    "shown " + "long " * 5_000,
    "shown\n" * 500,
    "shown\t\b\b\b\b\b\x7f\x0e\x0f\v\f\r",
    "shown\N{NEXT LINE}\u2028\u2029Alice: yes",
)
_LINKS = (
    "http://evil.example/\x1b]8;;http://other.example\x07shown",
    "https://bank.example@evil.example/shown",
    "javascript:alert('shown')",
    "http://[::1/shown",
    "https://xn--80ak6aa92e.com/shown",
    "https://\u0430pple.com/shown",
    "file:///etc/passwd?shown",
    "http://evil.example/\u202egpj.shown",
    "http://evil.example/\x9b2Jshown",
    "https://evil.example/" + "a" * 3000 + "/shown",
    "http://evil.example\\@bank.example/shown",
    "http://a:b:c/shown",
)


def hostile_payloads() -> list[str]:
    """More than 200, all different: what is special to an app with markup, links and windows, and a third of
    what every face is tested with.
    """
    own = [*_GRAPHICS, *_NOTIFICATIONS, *_QUERIES, *_NESTED, *_SPLIT, *_MARKUP, *_UNICODE, *_LINKS]
    return list(dict.fromkeys([*own, *hostile_texts()[::3]]))


def harmless_texts(count: int) -> list[str]:
    """As many texts of words, as different in length and lines."""
    shapes = ("shown {n}", "shown {n}\nin two lines", "shown {n} " * 40, "{n} shown https://example.org/{n}")
    return [shapes[n % len(shapes)].format(n=n) for n in range(count)]
