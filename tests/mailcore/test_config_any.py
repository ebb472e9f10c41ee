"""Whatever stands in config.toml: settings, or a ConfigError of one line; never anything else."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailcore.config import Config, read_config, read_config_or_defaults
from mailcore.config.reference import TABLES
from mailcore.config.toml_text import kinds_of
from mailcore.exceptions import ConfigError

# Files made of the names that there are, and of values of every kind; and any text at all.
NAMES = st.sampled_from([*(name for section in TABLES.values() for name in kinds_of(section)), "x", "'a.b'"])
HEADS = st.sampled_from([*TABLES, "agents", "programs", "sound.kinds", "agents.'@X'", "agents.''", "nosuch"])
VALUES = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(
        ["true", "[]", "{}", "[1, 'a']", "{a = {b = 1}}", "2020-01-01", "07:00:00", "1e400", "-0.0", "nan", "''",
         '"\\u0000"', f"0x{'f' * 400}", "'22:00-07:00'", "'command'", "['']", "[[], {}]", "'@lead'"]
    ),
)  # fmt: skip
LINES = st.one_of(HEADS.map("[{}]".format), st.tuples(NAMES, VALUES).map(" = ".join))


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.lists(LINES, max_size=12).map("\n".join), st.text()))
@example("[agents]\ncommand = ['a']\nprogram = ''\n[agents.x]\nprogram = 'command'\ncommand = []\n")
def test_no_text_raises_anything_but_a_config_error_of_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    try:
        found = read_config(path)
    except ConfigError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert isinstance(found, Config)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"\xff\xfe\x00")
def test_no_bytes_raise_anything_but_a_config_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(raw)
    config, why = read_config_or_defaults(path)
    assert isinstance(config, Config) and "\n" not in why
