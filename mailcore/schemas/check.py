"""Whether data fits a schema: asked of a child that is bounded in time and memory, and told in words."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats import json_codec
from mailcore.schemas import document
from mailcore.schemas.bounded_validator import MAX_CPU
from mailcore.system import python_child
from mailcore.text import line
from mailcore.text.units import duration

CHECK_TIMEOUT = 30.0
"""Seconds that a check may take on a machine that is busy; of CPU it gets `MAX_CPU`."""
_MODULE = "mailcore.schemas.bounded_validator"
_NO_LIBRARY, _NO_MEMORY = 3, 4


@dataclass(frozen=True, slots=True)
class Fault:
    """Where and why data does not fit."""

    place: str
    """A JSON path: `$.version`. Empty: it is the schema itself that cannot be followed."""
    what: str
    """Untrusted: it repeats the data and the schema."""

    def __str__(self) -> str:
        return f"{line(self.place, 200)}: {line(self.what, 320)}" if self.place else line(self.what, 520)


def require_valid_schema(schema: dict[str, Any], what: str) -> None:
    """Refused (code `schema`) if it is no JSON Schema, saying where. `what` names it in words."""
    document.require_schema(schema, what)
    if faults := _ask({"schema": schema}, what):
        raise Refused(f"{what} is no JSON Schema: {faults[0]}", "schema")


def require_fit(schema: object, data: Any, what: str, whose: str) -> None:
    """Refused (code `schema`), naming each place, where `what` does not fit the schema of `whose`."""
    known = document.require_schema(schema, f"the schema of {whose}")
    document.require_depth(data, what)
    faults = _ask({"schema": known, "data": data}, f"the schema of {whose}")
    if faults and not faults[0].place:
        raise Refused(f"the schema of {whose} cannot be followed: {faults[0]}", "schema")
    if faults:
        raise Refused("\n".join([f"{what} does not fit the schema of {whose}:", *map(str, faults)]), "schema")


def _ask(question: dict[str, Any], what: str) -> list[Fault]:
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    try:
        done = subprocess.run(
            python_child.child(_MODULE), input=json_codec.dumps_line(question), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment, timeout=CHECK_TIMEOUT, start_new_session=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{what} was not compared within {duration(CHECK_TIMEOUT)}", "schema") from error
    except OSError as error:
        raise MailcoreError(f"{what} could not be compared: {error.strerror}") from error
    match done.returncode:
        case 0:
            return [Fault(one["place"] or "", str(one["what"])) for one in json.loads(done.stdout)]
        case code if code == _NO_LIBRARY:
            fix = "install this project with its extra [schema]: pip install '.[schema]' in its checkout"
            raise MailcoreError(f"jsonschema is missing, without which no schema is followed: {fix}", "missing")
        case code if code == _NO_MEMORY or code > 0:
            raise Refused(f"{what} takes more memory to follow than it gets", "schema")
    within = f"the {duration(MAX_CPU)} of CPU that it gets"
    raise Refused(
        f"{what} takes longer to follow than {within}, and was ended: a pattern in it may never come to an end with "
        "such a text",
        "schema",
    )
