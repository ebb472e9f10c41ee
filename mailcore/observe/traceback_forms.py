"""How tracebacks and panics of the common languages begin, go on and end, for every reader of them."""

from __future__ import annotations

import re

PYTHON_HEAD = "Traceback (most recent call last):"
TRACEBACK_HEAD = re.compile(r"(?:.* )?Traceback \(most recent call last\):|stack backtrace:|goroutine \d+ \[.*\]:")
RAISED = re.compile(r"(?:[\w$]+\.)*[A-Za-z_]\w*(?:: .*)?")
"""The last line of a traceback of Python's: `app.DatabaseError: text`, `KeyboardInterrupt`."""
CHAINED = re.compile(r"(?:During handling of the above exception|The above exception was the direct cause).*:")
PANIC = re.compile(r"thread '(?P<thread>[^']*)'(?: \(\d+\))? panicked at (?P<where>.*?):?|panic: (?P<go>.*)")
"""A panic of Rust's, which says where it was, or of Go's, which says what it was."""
JAVA_HEAD = re.compile(r'Exception in thread "[^"]*" (?P<text>.*)')
