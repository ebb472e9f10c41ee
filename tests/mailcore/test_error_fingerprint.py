"""What makes two errors one, and what keeps them apart."""

from __future__ import annotations

import pytest

from mailcore.errors.application_frames import application_frames, portable_path
from mailcore.errors.fingerprint import fingerprint
from mailcore.errors.normalise import normalise
from mailcore.model.error_group import ErrorEvent, StackFrame

HOME, USERS = (f"/{name}" for name in ("home", "Users"))
WORK = "work"

SAME = (
    ("lost 17 rows in 3.5s", "lost 4,211 rows in 120ms"),
    (f"no file '{HOME}/ann/x.csv'", "no file '/tmp/a b/y.csv'"),
    ("object at 0x7f1a2b", "object at 0xdeadbeef"),
    ("lease 3f2a1b9c-0d1e-4f5a-8b7c-9d0e1f2a3b4c is gone", "lease 00000000-1111-2222-3333-444444444444 is gone"),
    ("connect 10.0.0.1:5432 refused", "connect 192.168.4.77:6000 refused"),
    ("connect [::1]:5432 refused", "connect [fe80::1]:99 refused"),
    ("GET https://a.example.org/v1/7?x=1 failed", "GET https://b.example.org/v2/8 failed"),
    ("since 2026-11-22 01:03:29,123", "since 2025-01-02T03:04:05Z"),
    ("mailbox of @writer is locked", "mailbox of @coder is locked"),
    ("request req_011CSHoEeqs5C35K2UUqR7Fy was refused", "request req_0aB9cD8eF7gH6iJ5kL4mN3oP was refused"),
    ("pod web-7d9f8c6b5-x2x4z died", "pod web-5c8b7d9f6-q9r8t died"),
    ("commit 3f2a1b9 is bad", "commit deadbee1 is bad"),
    ("cannot open src/a/b.py:12", "cannot open lib/c.py:99:3"),
    ("worker-3 stopped", "worker-17 stopped"),
    ("‘x’ is wrong", "'y' is wrong"),
    ("mail of ann@example.org", "mail of bo@example.com"),
)
APART = (
    ("No module named 'numpy'", "No module named 'requests'"),
    ("object has no attribute 'name'", "object has no attribute 'size'"),
    ("kubectl: command not found", "terraform: command not found"),
    ("server answered with status 502", "server answered with status 404"),
    ("error[E0308]: mismatched types", "error[E0382]: mismatched types"),
    ("no such table: jobs", "no such table: mails"),
    ("*** [build] Error 1", "*** [test] Error 1"),
    ("timed out", "refused"),
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_values_do_not_matter(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_is_wrong_matters(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"{HOME}/ann/shop/src/orders/views.py", "orders/views.py"),
        ("src/orders/views.py", "orders/views.py"),
        (f"{HOME}/ann/shop/main.py", "main.py"),
        (f"{USERS}/bo/{WORK}/shop/main.py", "main.py"),
        (f"{HOME}/runner/{WORK}/shop/shop/main.py", "main.py"),
        ("./main.py", "main.py"),
        ("C:\\Users\\bo\\shop\\main.py", "main.py"),
        ("/tmp/tmpx8/checkout/main.py", "main.py"),
        ("file:///app/main.js", "main.js"),
    ],
)
def test_a_file_is_the_same_wherever_its_checkout_lies(path: str, wanted: str) -> None:
    assert portable_path(path) == wanted


def event(*frames: StackFrame, kind: str = "python", title: str = "ValueError: x") -> ErrorEvent:
    return ErrorEvent(at=1.0, agent="@a", kind=kind, title=title, frames=frames)


OWN = StackFrame(f"{HOME}/ann/shop/src/orders/total.py", 12, "total")


def test_the_innermost_frame_of_the_application_is_where_it_failed() -> None:
    library = StackFrame("/usr/lib/python3.11/json/decoder.py", 337, "decode")
    assert application_frames((OWN, library)) == (OWN,)
    assert application_frames((library,)) == (library,)
    other = StackFrame("/usr/lib/python3.12/json/decoder.py", 1, "raw_decode")
    assert fingerprint(event(OWN, library)) == fingerprint(event(OWN, other))


def test_line_numbers_and_callers_do_not_matter_functions_files_and_types_do() -> None:
    first = fingerprint(event(OWN))
    moved = StackFrame(f"{USERS}/bo/shop/src/orders/total.py", 99, "total")
    assert fingerprint(event(StackFrame("main.py", 1, "main"), moved)) == first
    assert fingerprint(event(StackFrame(OWN.file, 12, "count"))) != first
    assert fingerprint(event(StackFrame(f"{HOME}/ann/shop/src/users/total.py", 12, "total"))) != first
    assert fingerprint(event(OWN, title="KeyError: x")) != first
    assert fingerprint(event(OWN, kind="node")) != first


def test_a_test_fails_alike_whatever_its_values_and_however_short_the_summary_cuts_them() -> None:
    place = StackFrame("tests/test_calc.py", 5, "test_add")
    first = fingerprint(event(place, kind="pytest", title="AssertionError: assert 15 == (17 + 2)"))
    assert fingerprint(event(place, kind="pytest", title="AssertionError: assert Cart(n=...")) == first
    assert fingerprint(event(place, kind="pytest", title="KeyError: 'x'")) != first
    other = StackFrame("tests/test_calc.py", 5, "test_sub")
    assert fingerprint(event(other, kind="pytest", title="AssertionError: assert 15 == (17 + 2)")) != first
