"""What somebody may write into a log to steer the terminal of who reads it: made by rule, so that none is missing."""

from __future__ import annotations

from collections.abc import Iterator

ESC = b"\x1b"
ENDS = {"BEL": b"\x07", "ST": b"\x1b\\", "C1": b"\x9c", "none": b""}
STRINGS = {"OSC": b"]", "DCS": b"P", "APC": b"_", "PM": b"^", "SOS": b"X"}
OSC_NUMBERS = (0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 17, 22, 50, 52, 66, 99, 104, 110, 133, 633, 777, 1337)
MODES = (1, 3, 5, 6, 7, 9, 12, 25, 47, 66, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1048, 1049, 2004, 2026)
FINALS = b"@ABCDEFGHIJKLMPSTXZ`abcdefghlmnpqrstuvwxyz{|}~"
CHARSETS = b"()*+-./"


def contents() -> Iterator[tuple[str, bytes]]:
    """A name and the bytes of each; none has a line's end."""
    for number in (*range(0x20), *range(0x7F, 0xA0)):
        if number != 0x0A:
            yield f"control {number:02x}", bytes([number]) + b"A"
            if number > 0x7F:
                yield f"control {number:02x} as UTF-8", chr(number).encode() + b"[2J"
    for number in OSC_NUMBERS:
        yield f"OSC {number}", ESC + b"]%d;owned;b3duZWQ=" % number + b"\x07"
    yield "OSC 52 by ST", ESC + b"]52;c;b3duZWQ=" + ESC + b"\\"
    yield "OSC 52 by C1", b"\x9d52;c;b3duZWQ=\x9c"
    yield "OSC 8", ESC + b"]8;;http://evil.example/" + ESC + b"\\click" + ESC + b"]8;;" + ESC + b"\\"
    for name, begin in STRINGS.items():
        for end, mark in ENDS.items():
            yield f"{name} ended by {end}", ESC + begin + b"0;owned" + mark
    yield "sixel", ESC + b"Pq#0;2;0;0;0#0~~@@vv@@~~$-" + ESC + b"\\"
    yield "DECRQSS", ESC + b'P$q"p' + ESC + b"\\"
    yield "terminfo", ESC + b"P+q544e" + ESC + b"\\"
    yield "kitty picture", ESC + b"_Gf=24,s=1,v=1;AAAA" + ESC + b"\\"
    yield "kitty keyboard", ESC + b"[>31u" + ESC + b"[=5;1u"
    yield "iTerm file", ESC + b"]1337;File=inline=1:AAAA\x07"
    yield "tmux passthrough", ESC + b"Ptmux;" + ESC + ESC + b"]52;c;b3duZWQ=\x07" + ESC + b"\\"
    for mode in MODES:
        yield f"mode {mode} on", ESC + b"[?%dh" % mode
        yield f"mode {mode} off", ESC + b"[?%dl" % mode
    for final in FINALS:
        if final != ord("m"):
            yield f"CSI {chr(final)}", ESC + b"[2;3" + bytes([final])
    for sign in b"78=>cDEHMNOZno|}~<":
        yield f"ESC {chr(sign)}", ESC + bytes([sign])
    for place in CHARSETS:
        yield f"charset {chr(place)}", ESC + bytes([place]) + b"0qqq"
    yield "double height", ESC + b"#3" + ESC + b"#8"
    yield "scroll region", ESC + b"[5;6r" + ESC + b"[?6h"
    yield "insert mode", ESC + b"[4h"
    yield "soft reset", ESC + b"[!p"
    yield "window size", ESC + b"[8;5;5t" + ESC + b"[21t"
    yield "report", ESC + b"[6n" + ESC + b"[c" + ESC + b"[>c" + ESC + b"[5n" + b"\x05"
    yield "cursor shape", ESC + b"[5 q"
    yield "concealed", ESC + b"[8mhidden" + ESC + b"[0m"
    yield "blinking", ESC + b"[5;6mblink" + ESC + b"[0m"
    yield "colours without end", ESC + b"[31;44;1;4;9;7m red"
    yield "a true colour", ESC + b"[38;2;1;2;3;48;2;300;-1;mx"
    yield "a colour of colons", ESC + b"[38:2::1:2:3mx" + ESC + b"[58:5:1mx"
    yield "many parameters", ESC + b"[" + b"1;" * 5000 + b"m"
    yield "a parameter without end", ESC + b"[" + b"9" * 5000
    yield "nested", ESC + b"]0;" + ESC + b"[31m" + ESC + b"]52;c;eA==\x07" + b"\x07"
    yield "cut", ESC
    yield "cut CSI", ESC + b"["
    yield "cut OSC", ESC + b"]0;owned"
    yield "cut DCS", ESC + b"P1$r"
    yield "the other part of what was cut", b"52;c;b3duZWQ=\x07"
    yield "cut UTF-8", b"\xe2\x82"
    yield "invalid UTF-8", bytes(range(0x80, 0x100))
    yield "surrogates", b"\xed\xa0\x80\xed\xb0\x80"
    yield "overlong", b"\xc0\x9b[2J\xe0\x80\x9b]0;owned\x07"
    yield "NULs", b"\x00" * 3000
    yield "bidirectional", "\u202eexe.txt\u202c \u2066\u2067\u2068x\u2069 \u061c\u200e\u200f".encode()
    yield "zalgo", ("a" + "\u0301\u0489" * 200).encode()
    yield "marks alone", ("\u0301" * 300).encode()
    yield "wide", ("漢字" * 200).encode()
    yield "emoji", "👩‍👩‍👧‍👦🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f🇩🇪❤️".encode() * 20
    yield "nothing is seen", "\u200b\u2060\ufeff\u00ad\u3164\U000e0041\ufe0f".encode() * 20
    yield "line separators", "a\u2028b\u2029c\x85d\x0be\x0cf".encode()
    yield "private use", "\ue0b0\U0010ffff\uffff\ufffe".encode()
    yield "progress", b"10 %\r20 %\r" + ESC + b"[Kdone"
    yield "backspaces", b"abc" + b"\x08" * 50 + b"X"
    yield "tabs", b"\t" * 300
    yield "markup", b"[bold]x[/bold] [@click=app.quit]y[/] [link=file:///etc/passwd]z[/link]"
    yield "a prompt of ours", b"\x1b[1;1H" + b" Kill the run? Yes, kill" + ESC + b"[K"
    yield "a line of 10 MB", b"x" * 10_000_000
    yield "10 MB of escapes", (ESC + b"[31mx") * 2_000_000
