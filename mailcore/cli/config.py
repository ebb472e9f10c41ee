"""`config`: the settings that hold and where each comes from; and what a key means."""

from __future__ import annotations

from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.exceptions import ConfigError
from mailcore.text import counted


def arguments(verb: str, parser: Parser) -> None:
    """`--explain`."""
    del verb
    parser.add_argument("--explain", metavar="KEY", help="what it means: section.key, a section, or a key alone")


def config(call: Call) -> VerbResult:
    """Explain, or list every setting of the workspace; ConfigError with every fault of the file."""
    if call.arguments.explain is not None:
        return _explained(call.arguments.explain)
    from mailcore.config.effective import effective
    from mailcore.config.reader import read_settings
    from mailcore.config.toml_text import key_name, toml
    from mailcore.programs import registry

    file = call.workspace.config_file
    tables, found, wrong = read_settings(file)
    wrong = [*wrong, *registry.config_faults(found)]
    if wrong:
        listed = "\n".join(wrong)
        raise ConfigError(f"{file}: {counted(len(wrong), 'fault')}; the defaults are used meanwhile\n{listed}")
    sections = effective(tables, found)
    notes = call.workspace.unknown_sections(found.agents)
    lines = [f"# {file}{'' if file.exists() else ': not there, so all is default'}"]
    for section, values in sections.items():
        lines += ["", f"[{section}]"]
        lines += [f"{f'{key_name(key)} = {toml(value)}':<48}# {source}" for key, (value, source) in values.items()]
    lines += ["", *(f"# note: {note}" for note in notes)] if notes else []
    return {
        "file": str(file),
        "settings": {
            section: {key: {"value": value, "from": source} for key, (value, source) in values.items()}
            for section, values in sections.items()
        },
        "notes": notes,
    }, "\n".join(lines)


def _explained(name: str) -> VerbResult:
    from dataclasses import asdict

    from mailcore.config.reference import find_keys, key_page

    found = find_keys(name)
    rows: list[dict[str, Any]] = [asdict(key) for key in found]
    return rows, "\n\n".join(map(key_page, found))
