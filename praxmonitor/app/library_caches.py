"""What Textual and Rich remember, kept small.

Each of their functions that remembers its answers keeps up to 16,384 of them, with the texts and regions of the screen
that it was asked for, few of which are ever asked for again: it took most of an hour, and megabytes, to fill them. And
each line that a widget drew keeps up to sixteen pieces of itself, each with pieces of its own, for as long as it does
not change: of thousands of pieces nearly all are of paintings that are past.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import _lru_cache_wrapper, cache
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

LIBRARIES = ("textual", "rich")
MOST_ANSWERS = 512
"""Of one function: some more than one painting of the screen needs."""
SHRINK_PERIOD = 10.0
"""Seconds between two looks."""


def shrink(screens: Iterable[Screen[Any]]) -> None:
    """Let each that remembers more begin anew, and forget the pieces of what these screens drew: a line that is painted
    again makes its own again. From the loop, which alone asks them."""
    for one in large_caches():
        if one.cache_info().currsize > MOST_ANSWERS:
            one.cache_clear()
    for screen in screens:
        for widget in (screen, *screen.walk_children(Widget)):
            widget._styles_cache.clear()  # nothing is painted for that: what is on the terminal stays


@cache
def large_caches() -> tuple[_lru_cache_wrapper[Any], ...]:
    """Those that may remember more, as far as they are loaded when it is asked first: 10 ms."""
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in LIBRARIES]
    found = {one for module in modules for one in _caches_of(vars(module))}
    return tuple(one for one in found if (one.cache_info().maxsize or 0) > MOST_ANSWERS)


def _caches_of(names: Any) -> Iterator[_lru_cache_wrapper[Any]]:
    for value in list(names.values()):
        if isinstance(value, type) and value.__module__.partition(".")[0] in LIBRARIES:
            members = [getattr(member, "__func__", member) for member in vars(value).values()]  # of class methods too
            yield from (member for member in members if isinstance(member, _lru_cache_wrapper))
        elif isinstance(value, _lru_cache_wrapper):
            yield value


def forget_left(app: App[Any]) -> None:
    """Let nothing of the screens that were left stay in memory."""
    from textual._styles_cache import StylesCache

    # Textual 8.2.8 keeps 1,024 of its widgets' line caches alive by this one: 0.4 MB for each opening of the help.
    StylesCache.get_inner_outer.cache_clear()
    # And who watches a value of the app until that changes next, which some never do.
    for watchers in getattr(app, "__watchers", {}).values():
        watchers[:] = [watcher for watcher in watchers if watcher[0].is_running]
