"""The names of keys: as Textual has them, as a person reads and writes them; and where a person writes them."""

from __future__ import annotations

from pathlib import Path

from textual.keys import _character_to_key

from mailcore.system import user_directories

_SPOKEN = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "colon": ":",
    "dollar_sign": "$",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "Enter",
    "escape": "Esc",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
    "space": "Space",
    "backspace": "Backspace",
    "delete": "Del",
    "insert": "Ins",
    "plus": "+",
    "asterisk": "*",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "comma": ",",
    "full_stop": ".",
    "vertical_line": "|",
}
_FUNCTION = frozenset(f"f{number}" for number in range(1, 13))
_MOVING = frozenset(("up", "down", "left", "right", "home", "end", "pageup", "pagedown"))
_NAMED = _MOVING | _FUNCTION | {"enter", "escape", "tab", "space", "backspace", "delete", "insert"}
_OTHER_NAMES = {
    **{spoken.lower(): name for name, spoken in _SPOKEN.items()},
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "page_up": "pageup",
    "page_down": "pagedown",
}
_SAME_AS = {"ctrl+i": "Tab", "ctrl+m": "Enter", "ctrl+h": "Backspace", "ctrl+j": "Enter", "ctrl+[": "Esc"}
"""What a terminal sends alike."""


def keymap_path() -> Path:
    """Where the operator's own keys are written."""
    return user_directories.config_home() / "keys.toml"


def spoken_key(key: str) -> str:
    """A key of Textual's name as a person reads it: `question_mark` is `?`, `ctrl+p` is `Ctrl+p`."""
    *modifiers, last = key.split("+")
    name = _SPOKEN.get(last, last.capitalize() if last in _FUNCTION else last)
    return "+".join([*(word.capitalize() for word in modifiers), name])


def key_named(word: str) -> str:
    """Textual's name of the key that a person wrote: `?`, `X`, `Ctrl+x`, `PgUp`, `slash`.

    ValueError says why no terminal sends such a key.
    """
    if len(word) == 1:
        if not word.isprintable():
            raise ValueError(f"{word!r} is no key")
        return "space" if word == " " else _OTHER_NAMES.get(word, _character_to_key(word))
    *modifiers, last = word.strip().split("+")
    if last == "" and modifiers[-1:] == [""]:  # `ctrl++`
        modifiers, last = modifiers[:-1], "plus"
    named = _OTHER_NAMES.get(last.lower(), last.lower() if len(last) > 1 else last)
    ways = [modifier.lower() for modifier in modifiers]
    known = len(named) == 1 or named in _NAMED or named in _SPOKEN
    if not known:
        raise ValueError(f"no key is called {word!r}")
    if not ways:
        return named
    return _with_modifier(ways, named, word)


def _with_modifier(ways: list[str], named: str, word: str) -> str:
    """A key that is held together with another. ValueError where no terminal tells it from a simpler one."""
    if len(ways) > 1 or ways[0] not in ("ctrl", "shift", "alt"):
        raise ValueError(f"{word!r}: a terminal sends Ctrl, Shift or Alt, one of them, with a key")
    way, letter = ways[0], len(named) == 1
    key = f"{way}+{named.lower() if letter and way == 'ctrl' else named}"
    if way == "shift" and letter:
        raise ValueError(f"{word!r}: write {named.upper()!r}")
    if way == "ctrl" and key in _SAME_AS:
        raise ValueError(f"{word!r}: a terminal sends {_SAME_AS[key]} for it")
    if letter and named.isascii() and named.isalnum() and (way != "ctrl" or named.isalpha()):
        return key
    if named in _MOVING or named in _FUNCTION or (named in ("insert", "delete") and way != "alt"):
        return key
    if key == "shift+tab":
        return key
    raise ValueError(f"{word!r}: no terminal sends it")
