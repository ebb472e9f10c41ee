"""Data is compared with schemas that strangers wrote: what does not fit is told with its place, and nothing hangs."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.schemas import check, document
from mailcore.system import python_child

RELEASE = {
    "type": "object",
    "required": ["version", "ok"],
    "properties": {"version": {"type": "string", "pattern": r"^\d+\.\d+$"}, "ok": {"type": "boolean"}},
    "additionalProperties": False,
}


def refusal(schema: Any, data: Any) -> str:
    with pytest.raises(Refused) as refused:
        check.require_fit(schema, data, "the data", "#release")
    assert refused.value.code == "schema"
    return str(refused.value)


def invalid(schema: Any) -> str:
    with pytest.raises(Refused) as refused:
        check.require_valid_schema(schema, "the schema")
    assert refused.value.code == "schema"
    return str(refused.value)


def test_what_fits_is_silent() -> None:
    check.require_valid_schema(RELEASE, "the schema")
    check.require_fit(RELEASE, {"version": "1.2", "ok": True}, "the data", "#release")


def test_each_fault_is_told_with_its_place() -> None:
    said = refusal(RELEASE, {"version": 12, "more": None})
    assert "the data does not fit the schema of #release" in said
    assert "$.version: 12 is not of type 'string'" in said
    assert "'ok' is a required property" in said
    assert "$: Additional properties are not allowed ('more' was unexpected)" in said


def test_a_place_deep_within_is_named() -> None:
    schema = {"properties": {"steps": {"items": {"properties": {"exit": {"type": "integer"}}}}}}
    said = refusal(schema, {"steps": [{"exit": 0}, {"exit": "no"}]})
    assert "$.steps[1].exit: 'no' is not of type 'integer'" in said


def test_a_schema_that_is_none_is_refused_with_its_place() -> None:
    assert "$.type: 'sting' is not valid" in invalid({"type": "sting"})
    assert "$.properties.a.pattern" in invalid({"properties": {"a": {"pattern": "("}}})


@pytest.mark.parametrize("value", [True, None, [], "x", 3])
def test_what_is_no_object_is_no_schema(value: object) -> None:
    with pytest.raises(Refused, match="an object is expected"):
        document.require_schema(value, "the schema")


def test_an_unknown_dialect_is_refused() -> None:
    assert "$schema is" in invalid({"$schema": "https://example.org/mine"})
    assert "$schema is" in invalid({"$schema": ["x"]})


@pytest.mark.parametrize("dialect", [*document.DIALECTS, "http://json-schema.org/draft-07/schema#"])
def test_each_dialect_that_is_allowed_is_followed(dialect: str) -> None:
    schema = {"$schema": dialect, "type": "object", "properties": {"a": {"type": "integer"}}}
    check.require_valid_schema(schema, "the schema")
    assert "$.a" in refusal(schema, {"a": "x"})


@pytest.mark.parametrize(
    "pattern, text",
    [("^(a+)+$", "a" * 60 + "!"), ("(x+x+)+y", "x" * 60), ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 80)],
)
def test_a_pattern_that_never_ends_is_ended(pattern: str, text: str) -> None:
    began = time.monotonic()
    said = refusal({"properties": {"a": {"pattern": pattern}}}, {"a": text})
    assert "s of CPU" in said and "pattern" in said
    assert time.monotonic() - began < check.CHECK_TIMEOUT


def test_a_schema_that_refers_to_itself_without_end_is_told() -> None:
    assert "refers to itself without end" in refusal({"$ref": "#"}, {"a": 1})
    circle = {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}
    assert "refers to itself without end" in refusal({"$ref": "#/$defs/a", "$defs": circle}, 1)


def test_a_schema_that_unfolds_without_end_is_ended() -> None:
    """Each definition asks the next one twice: two to the power of forty checks."""
    names = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    said = refusal({"$ref": "#/$defs/a0", "$defs": {**names, "a40": {"type": "integer"}}}, 1)
    assert "s of CPU" in said


def test_what_takes_all_memory_is_ended() -> None:
    """Each of two hundred faults repeats a text of a megabyte, each character of it four times as long."""
    said = refusal({"allOf": [{"type": "integer"}] * 200}, "\1" * 1_000_000)
    assert "memory" in said


def test_a_schema_within_itself_is_refused_for_its_depth() -> None:
    deep: dict[str, Any] = {}
    for _ in range(document.MAX_DEPTH + 1):
        deep = {"not": deep}
    assert "nested deeper than" in invalid(deep)


@pytest.mark.parametrize("opening, closing", [(b'{"not":', b"}"), (b"[", b"]")])
@pytest.mark.parametrize("depth", [200, 1_100, 60_000])
def test_text_that_is_nested_without_end_is_refused(opening: bytes, closing: bytes, depth: int) -> None:
    text = opening * depth + b"{}" + closing * depth
    for parse in (document.parse_schema, document.parse_data):
        with pytest.raises(Refused, match=r"nested deeper than|is no JSON|bytes"):
            parse(text, "the text")


def test_ten_megabytes_are_refused_unparsed() -> None:
    text = b'{"enum": ["' + b"x" * 10_000_000 + b'"]}'
    began = time.monotonic()
    with pytest.raises(Refused, match=r"10,000,\d\d\d bytes; 262,144 is the most"):
        document.parse_schema(text, "the schema")
    with pytest.raises(Refused, match="1,048,576 is the most"):
        document.parse_data(text, "the data")
    assert time.monotonic() - began < 1.0
    assert "larger than 262,144 bytes" in invalid(json.loads(text))


@pytest.mark.parametrize("place", ["/etc/passwd", "file:///etc/passwd", "other.json", "", "urn:x", "../#/a"])
@pytest.mark.parametrize("key", document.REFERENCES)
def test_a_reference_out_of_the_schema_is_refused(key: str, place: str) -> None:
    said = invalid({"properties": {"a": {"items": [{key: place}]}}})
    assert "leads out of the schema" in said and key in said


def test_no_reference_reaches_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by itself, nor through `$id`, by which what looks like a place within is one elsewhere."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.2)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/schema"
        assert "leads out of the schema" in refusal({"$ref": address}, 1)
        hidden: dict[str, Any] = {"$id": address, "properties": {"a": {"$id": f"{address}/b", "$ref": "#/$defs/none"}}}
        said = refusal(hidden, {"a": 1})
        assert "cannot be followed" in said
        # Past the first look, the child itself fetches nothing.
        (fault,) = check._ask({"schema": {"$ref": address}, "data": 1}, "the schema")
        assert not fault.place and address in fault.what and "nresolvable" in fault.what
        with pytest.raises(TimeoutError):
            listening.accept()


def test_the_child_itself_resolves_nothing() -> None:
    """Should a reference come past the first look, the child's own registry knows nothing and fetches nothing."""
    faults = check._ask({"schema": {"$ref": "file:///etc/hostname"}, "data": 1}, "the schema")
    assert [fault.place for fault in faults] == [""]
    assert "etc/hostname" in faults[0].what


def test_what_is_told_is_short_and_harmless() -> None:
    said = refusal({"properties": {"a": {"const": 1}}}, {"a": "\x1b[2J\u202e" + "y" * 100_000})
    assert len(said) < 1_000
    assert "\x1b" not in said and "\u202e" not in said


def test_data_that_is_no_json_is_refused() -> None:
    for text in (b"", b"{", b"nul", b"\xff\xfe", b'{"a": 1} x'):
        with pytest.raises(Refused, match="the data is no JSON"):
            document.parse_data(text, "the data")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--data .*nowhere.json: No such file"):
        document.read_document(str(tmp_path / "nowhere.json"), 10, "--data")
    (tmp_path / "large").write_bytes(b"x" * 11)
    with pytest.raises(MailcoreError):
        document.read_document(str(tmp_path / "large"), 10, "--data")


def test_the_library_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_child, "child", lambda _: ["sh", "-c", "exit 3"])
    with pytest.raises(MailcoreError, match=r"jsonschema is missing.*\[schema\]"):
        check.require_valid_schema(RELEASE, "the schema")
