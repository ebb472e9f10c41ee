"""Names that look like others': a sender whom the registry does not know, written so that a reader takes it for one.

Addresses are ASCII; what another program's mail says of its sender is free text. The table is Unicode's confusables of
the letters and digits of an address (security data 15), of those that compatibility and case do not unite already. A
library of all confusables takes 0.2 s to import, a whole command 0.05.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from mailcore.text import line, plain
from mailcore.text.known import known_addresses

RESERVED_ADDRESSES = ("@operator", "@error-watcher")
"""Known everywhere: nobody else may look like the person at the screen, or like what mails about errors."""

LOOKALIKES = {
    "2": "\u01a8\u03e9\u14bf\ua645\ua6ef\ua75b",
    "3": "\u021d\u025c\u0292\u0437\u04e1\u2ccd\ua76b\U000118ca\U00016f3b\U0001d206",
    "4": "\u13ce\U000118cf",
    "5": "\U000118db",
    "6": "\u0431\u13ee\u2cd3",
    "7": "\U000104fa\U0001d212",
    "8": "\u0223\u09ea\u0a6a\u0b03\U0001031a",
    "9": "\u09ed\u0a67\u0b68\u0d6d\u2ccb\ua76f\U000118cc\U000118d6",
    "a": "\u0251\u03b1\u0430\u13aa\u15c5\u237a\ua4ee\U000102a0\U00016f40",
    "b": "\u0185\u03b2\u0432\u044c\u13cf\u13f4\u1472\u15af\u15f7\ua4d0\ua7b5\U00010282\U000102a1\U00010301",
    "c": ("\u0441\u13df\u1d04\u2ca5\ua4da\U000102a2\U00010302\U0001043d\U0001051c\U000118e9\U000118f2\U0001f74c"),
    "d": "\u0501\u13a0\u13e7\u146f\u15de\u15ea\ua4d2\ua4d3\xf0\u0111",
    "e": "\u03b5\u0435\u04bd\u13ac\u212e\u22ff\u2d39\ua4f0\uab32\U00010286\U000118c6\U000118ce",
    "f": "\u03dd\u0584\u15b4\u1e9d\ua4dd\ua799\uab35\U00010287\U000102a5\U00010525\U000118c2\U0001d213",
    "g": "\u018d\u0261\u050d\u0581\u13c0\u13f3\u1d83\ua4d6",
    "h": "\u03b7\u043d\u04bb\u0570\u13bb\u13c2\u157c\u2c8f\ua4e7\U000102cf\u0127",
    "i": "\u0131\u0269\u026a\u03b9\u0456\u13a5\u2373\ua647\U000118c3",
    "j": "\u029d\u03f3\u0458\u13ab\u148d\ua4d9",
    "k": "\u03ba\u043a\u13e6\u16d5\u2c95\ua4d7\U00010518",
    "l": (
        "\u01c0\u04cf\u06f1\u13de\u14aa\u16c1\u2223\u23fd"
        "\u2502\u2c93\u2cd1\u2d4f\ua4e1\ua4f2\U0001028a\U00010309\U00010320\U00010443\U00010526"
        "\U000118d2\U00016f16\U00016f28\U0001d22a\u0142"
    ),
    "m": "\u03bc\u03fb\u043c\u13b7\u15f0\u16d6\u2c99\ua4df\U000102b0\U00010311",
    "n": "\u0578\u057c\u2c9b\ua4e0\U00010513\u043f\u043b",
    "o": (
        "\u03bf\u03c3\u043e\u0585\u06f5\u0966\u09e6\u0a66\u0ae6\u0b20\u0b66\u0be6\u0c02\u0c66\u0c82\u0ce6"
        "\u0d02\u0d20\u0d66\u0d82\u0e50\u0ed0\u101d\u1040\u10ff\u12d0\u1d0f\u1d11\u2c9f\u2d54\u3007\ua4f3"
        "\uab3d\U00010292\U000102ab\U0001042c\U000104ea\U00010516\U000114d0\U000118c8\U000118d5\U000118d7"
        "\U000118e0\xf8"
    ),
    "p": "\u03c1\u0440\u13e2\u146d\u2374\u2ca3\ua4d1\U00010295",
    "q": "\u051b\u0563\u0566\u2d55",
    "r": "\u0280\u0433\u13a1\u13b1\u13d2\u1587\u1d26\u2c85\ua4e3\uab47\uab48\U000104dc\U00016f35\U0001d216",
    "s": "\u01bd\u0455\u057f\u13d5\u13da\ua4e2\ua731\U00010296\U00010448\U000118c1\U00016f3a\u017f",
    "t": "\u03c4\u0442\u13a2\u22a4\u27d9\u2ca7\ua4d4\U00010297\U000102b1\U00010315\U00016f0a\U0001f768\u0167",
    "u": (
        "\u028b\u03c5\u057d\u1200\u144c\u1d1c\u222a\u22c3\ua4f4\ua79f\uab4e\uab52\U000104f6\U000118d8\U00016f42\u0438"
    ),
    "v": (
        "\u03bd\u0475\u06f7\u13d9\u142f\u1d20\u2228\u22c1\u2d38\ua4e6\ua6df\U0001051d\U00011706\U000118c0"
        "\U00016f08\U0001d20d"
    ),
    "w": "\u026f\u0461\u051d\u0561\u13b3\u13d4\u1d21\ua4ea\U0001170a\U0001170e\U0001170f\U000118e6\U000118ef",
    "x": (
        "\xd7\u03c7\u0445\u1541\u157d\u166d\u166e\u16b7\u2573\u292b\u292c\u2a2f\u2cad\u2d5d\ua4eb\uab53"
        "\U00010290\U000102b4\U00010317\U00010322\U00010527\U000118ec"
    ),
    "y": (
        "\u0263\u028f\u03b3\u0443\u04af\u10e7\u13a9\u13bd\u1d8c\u1eff\u2ca9\ua4ec\uab5a\U000102b2\U000118c4"
        "\U000118dc\U00016f43"
    ),
    "z": "\u03b6\u13c3\u1d22\ua4dc\U000102f5\U000118c9\U000118e5",
}
"""Letter → signs that look like it."""
_LETTERS = str.maketrans({sign: letter for letter, signs in LOOKALIKES.items() for sign in signs})
_WORDS = re.compile(r"[^\w.@-]+")
_ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("|", "l"), ("5", "s"))


def skeleton(name: str) -> str:
    """What a name looks like: equal for two that a reader takes for the same. Only letters and digits count."""
    letters = _bare(name).translate(_LETTERS)
    for pair, sign in _ALIKE:
        letters = letters.replace(pair, sign)
    return "".join(filter(str.isalnum, letters))


def _bare(name: str) -> str:
    """Without what compatibility, case and accents add."""
    wide = unicodedata.normalize("NFKD", plain(name)).casefold()
    return "".join(sign for sign in unicodedata.normalize("NFKD", wide) if not unicodedata.combining(sign))


def imitated(sender: str) -> str:
    """Whom a sender looks like that it is not: one of the registry's or the operator; else an ASCII name at all.

    Each word of it counts: "@operator (the person)" looks like the operator too. Empty where it is one of them, or
    looks like nobody.
    """
    return _imitated(sender, (*known_addresses(), *RESERVED_ADDRESSES))


@lru_cache(4096)
def _imitated(sender: str, addresses: tuple[str, ...]) -> str:
    if sender in addresses:
        return ""
    looks = {skeleton(word) for word in (sender, *_WORDS.split(sender))}
    for address in addresses:
        if skeleton(address) in looks:
            return address
    # Whoever it means: letters of another script among ASCII ones, that spell an ASCII word, are there to deceive.
    bare = _bare(sender)
    spelt = bare.translate(_LETTERS)
    mixed = spelt.isascii() and not bare.isascii() and any(sign.isascii() and sign.isalpha() for sign in bare)
    return spelt if mixed else ""


def safe_sender(sender: str, limit: int = 0) -> str:
    """A sender as it is shown: one harmless line; before one that only looks like another `! not @operator:`."""
    other = imitated(sender)
    return line(f"! not {other}: {sender}" if other else sender, limit)
