"""Secrets of known forms are masked; what only looks like one stays."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailcore.text import masks
from mailcore.text.masks import SECRET_FORMS, masked, masked_all, may_hold_secret

# In two halves each: no scanner of this repository's text shall find one.
SECRETS = {
    "private key": "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "age key": "AGE-SECRET-" + "KEY-1" + "Q" * 58,
    "AWS key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitLab token": "glpat-" + "x1Y2z3W4" * 3,
    "Slack token": "xoxb-" + "123456789012-abcdefABCDEF",
    "Slack webhook": "hooks.slack.com/" + "services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "Discord webhook": "discord.com/api/" + "webhooks/123456789012345678/" + "aB1_" * 16,
    "Anthropic key": "sk-ant-" + "api03-" + "Ab1_" * 20,
    "OpenAI key": "sk-proj-" + "Ab1_" * 20,
    "Stripe key": "sk_live_" + "a1B2" * 6,
    "Google key": "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw",
    "npm token": "npm_" + "a1B2" * 9,
    "PyPI token": "pypi-AgE" + "IcHlwaS5vcmcC" + "a1B2" * 15,
    "Hugging Face token": "hf_" + "aBcDeFgHiJ" * 3 + "klmn",
    "service token": "dckr_pat_" + "a1B2" * 7,
    "bot token": "123456789:" + "AA" + "a1B2" * 8 + "xyz",
    "JWT": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
}
TABLE = [
    *SECRETS.items(),
    ("GitHub token", "github_pat_" + "11ABCDEFG0" * 8),
    ("OpenAI key", "sk-" + "a1B2" * 12),
    ("Google key", "ya29." + "a0AfH6SMBx" * 4),
    ("Slack token", "xapp-1-" + "A012345-6789-abcdef"),
]


@pytest.mark.parametrize(("kind", "secret"), TABLE)
@pytest.mark.parametrize(
    "around", ["{}", "key {} here", '"{}"', "a={},", "({})", "\n{}\n", "https://x.example/?k={}&b=1"]
)
def test_each_form_is_masked_wherever_it_stands(kind: str, secret: str, around: str) -> None:
    said = masked(around.format(secret))
    assert secret not in said and secret[-12:] not in said
    assert f"[masked: {kind}]" in said or "[masked]" in said


def test_every_form_has_a_sample() -> None:
    assert SECRET_FORMS.keys() - SECRETS.keys() == {"credentials"}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2", "hunter2"),
        ("PASSWORD = hunter2", "hunter2"),
        ("DB_PASSWORD=s3cr3t!x", "s3cr3t!x"),
        ('"password": "correct horse"', "correct horse"),
        ("password='two words'", "two words"),
        ("api_key='abcd1234'", "abcd1234"),
        ("api-key: abcd1234efgh", "abcd1234efgh"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
        ("mysql --password hunter2 -u root", "hunter2"),
        ("curl --token abcdef123456", "abcdef123456"),
        ("?access_token=abcdef&x=1", "abcdef"),
        ("Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789abcdef"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgres://admin:s3cr3t@db.example/x", "s3cr3t"),
        ("git clone https://oauth2:tok-en@git.example/x.git", "tok-en"),
        ("MAILCORE_NONCE=0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ('client_secret: "q8~a.b"', "q8~a.b"),
        (json.dumps({"line": 'password="hunter2"'}), "hunter2"),
    ],
)
def test_what_a_name_says_is_a_secret_is_masked(text: str, secret: str) -> None:
    said = masked(text)
    assert secret not in said and "[masked" in said
    assert text.split(secret)[0][:8] in said, "the name of it stays"


@pytest.mark.parametrize(
    "text",
    [
        hashlib.sha256(b"x").hexdigest(), hashlib.sha1(b"x").hexdigest(), hashlib.md5(b"x").hexdigest(),
        str(uuid.UUID(int=2**127 + 12345)), "sha256-" + base64.b64encode(hashlib.sha256(b"x").digest()).decode(),
        base64.b64encode(b"an ordinary text, and a longer one than any key has").decode(),
        "data:image/png;base64," + base64.b64encode(bytes(range(90))).decode(),
        "20261128T235344123456-0a1b2c3d", "0fc77d44", "#12", "commit 5ef0ebe of main", "v1.2.3-rc.1+build.5",
        "the password: see below", "password required", "Enter password:", "wrong password for @writer",
        "password=$PASSWORD", "password=${PASSWORD}", "password=<yours>", "password=None", "password: null",
        "api_key=os.environ['KEY']", "api_key = get_key()", "secret=***", "token budget: 12000", "max_tokens=4096",
        "tokens=12", "input_tokens: 123456789", "the secret: keep it simple", "secretary=anna", "keyboard=de",
        "skip-ahead-to-the-next-chapter-of-this-book", "sk-learn", "risk-assessment-of-the-whole-project-plan-2026",
        "task-0123456789abcdef0123456789abcdef0123", "https://example.com:8080/path@2x.png", "a://b/c:d@e",
        "git@github.com:owner/name.git", "user@example.com:22", "12:30:45", "eyJ", "bearer of bad news", "Bearer token",
        "AKIA", "xoxo-love", "npm_config_cache", "hf_hub_download", "pypi-publish", "AIza", "ghp_", "pk_test",
        "/usr/lib/python3.11/site-packages/secrets.py", "from secrets import token_hex", "mode=nonce",
        "public_key=abc", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJb8 x@y", "-----BEGIN CERTIFICATE-----\nMIID\n-----END",
        "-----BEGIN PUBLIC KEY-----\nMIIB", "cost $0.0123; 12 s", "Traceback (most recent call last):",
    ],
)  # fmt: skip
def test_what_is_none_stays(text: str) -> None:
    assert masked(text) == text


@given(st.text("0123456789abcdef", min_size=8, max_size=64))
def test_no_bare_hexadecimal_is_masked(text: str) -> None:
    assert masked(text) == text
    assert masked(f"commit {text}") == f"commit {text}"


def test_json_stays_json_and_values_are_reached_at_any_depth() -> None:
    value = {"a": ["x", {"b": SECRETS["private key"] + ' "quoted"', "c": f"password={SECRETS['npm token']}"}], "n": 1}
    said = masked_all(value)
    assert "MIIE" not in str(said) and SECRETS["npm token"] not in str(said) and said["n"] == 1
    assert json.loads(masked(json.dumps(value)))["a"][1]["b"] == '[masked: private key] "quoted"'


@pytest.mark.parametrize("number", ["123456789", "1.5e300", "true", "null", '""', '{"a": 12345678}', "[12345678901]"])
def test_what_json_says_without_quotes_stays_json(number: str) -> None:
    text = f'{{"api_key": {number}, "nonce":{number}, "password" : {number}}}'
    assert json.loads(masked(text)) == json.loads(text)


def test_masking_is_linear() -> None:
    """100 kB of what begins like a secret again and again; some patterns would take minutes."""
    for piece in ("password=", "://a:", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaa.", "sk-", "token", "=' : "):
        assert masked(piece * (100_000 // len(piece)))


LOOKAROUND = re.compile(r"\(\?<?[=!](?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|\\b|\(\?i\)")
NAME = re.compile(masks._NAME, re.IGNORECASE)
ANY_SECRET = st.one_of(
    *(st.from_regex(LOOKAROUND.sub("", form), fullmatch=True) for form in SECRET_FORMS.values()),
    st.tuples(st.sampled_from(["", "--"]), st.from_regex(NAME, fullmatch=True),
              st.sampled_from(['="', '": "', "=", ": ", " "]), st.text("aB1_-", min_size=8)).map("".join),
)  # fmt: skip


@given(before=st.sampled_from(["", " ", "Bearer ", "authorization: basic ", "https://"]), secret=ANY_SECRET)
@settings(deadline=None, max_examples=600, suppress_health_check=list(HealthCheck))
def test_nothing_that_a_form_finds_is_passed_over(before: str, secret: str) -> None:
    """Every text in which the forms find something has a sign for which they are looked for at all."""
    text = f"{before}{secret}@"
    assert may_hold_secret(text) or not any(pattern.search(text) for pattern in masks._patterns())


def test_a_long_text_without_a_secret_is_looked_at_in_a_moment() -> None:
    text = '{"kind":"tool","text":"Edit: src/foo/bar.py and other words","at":1000.5}, ' * 2000
    assert not may_hold_secret(text) and masked(text) is text
