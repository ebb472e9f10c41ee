"""JSON is read as the standard library reads it and written as AIPass writes it, whichever parser has its turn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.formats import json_codec

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
boxes = st.dictionaries(st.text(max_size=4), values, max_size=3).flatmap(
    lambda rest: st.lists(values, max_size=4).map(lambda messages: {"a": 1, "messages": messages, **rest})
)


@pytest.fixture(autouse=True, params=[json_codec.FRUGAL, 0], ids=["orjson", "msgspec"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_codec, "FRUGAL", request.param)


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(values, st.booleans())
def test_every_value_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert same(json_codec.loads(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")), value)


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '"\\ud800"', "[1e400]", "[-Infinity]", "[9007199254740993123]", '""', " 7 "]
)
def test_what_orjson_refuses_or_changes_is_kept(text: str) -> None:
    assert same(json_codec.loads(text.encode()), json.loads(text))


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b'"\xff"', b"\x00", b'{"a":"\n"}', b"[1,]", b"{", b"nul", b"[" * 100_000]
)
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        json_codec.loads(data)


@pytest.mark.parametrize(
    "before", [json_codec._PIECE - 19, json_codec._PIECE - 18, json_codec._PIECE - 1, json_codec._PIECE]
)
def test_a_long_number_is_seen_where_two_pieces_meet(before: int) -> None:
    number = 12345678901234567890123
    assert json_codec.loads(b" " * before + str(number).encode()) == number


@given(boxes)
def test_in_parts_it_is_the_same_document(document: dict[str, Any]) -> None:
    document = json_codec.loads(json.dumps(document).encode())
    whole, parts = json_codec.dumps(document), b"".join(json_codec.dumps_parts(document, "messages"))
    assert same(json.loads(parts), json.loads(whole)) and list(json.loads(parts)) == list(json.loads(whole))
    try:
        import orjson

        orjson.dumps(document)
    except TypeError:
        return
    assert parts == whole


@pytest.mark.linux_only("only there a process's own peak of memory is to be read")
def test_a_large_mailbox_takes_little_more_than_twice_its_size(tmp_path: Path) -> None:
    """Its bytes and its text; what orjson takes besides, and a buffer that doubles, would be a third and a fourth."""
    path = tmp_path / "box.json"
    path.write_bytes(b'{"messages": [' + b",".join([b'{"message": "' + b"y" * 1_000_000 + b'"}'] * 60) + b"]}")
    script = (
        "import re, sys, msgspec; from mailcore.formats import json_codec\n"
        "used = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1024\n"
        "before = used()\n"
        "document = json_codec.loads(open(sys.argv[1], 'rb').read())\n"
        "parts = json_codec.dumps_parts(document, 'messages')\n"
        "print(used() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True, timeout=120)
    assert 60 < float(done.stdout) < 60 * 2.5, f"{done.stdout} MB for 60"
