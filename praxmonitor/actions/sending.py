"""What the form asks of mailcore: to send a letter or let it wait, to say what it would come to, to take one back.

Each for a worker thread; raises MailcoreError with mailcore's own words. Nothing is written before all recipients were
looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.config import Config
from mailcore.exceptions import MailcoreError, UsageError
from mailcore.model.agent import OPERATOR
from mailcore.text.units import duration
from mailcore.workspace.find import Workspace
from praxmonitor.actions import requests
from praxmonitor.text.letters import Letter, Template, read_template

if TYPE_CHECKING:
    from mailcore.dispatch.shared_task import TaskTerms
    from mailcore.mail.outgoing import Outgoing

TEMPLATES = "templates"
"""In `.praxmonitor`: what is shared of them is in git."""
MOST_OF_A_TEMPLATE = 100_000
"""Bytes of one."""
MOST_TEMPLATES = 200
MOST_SENT = 100
"""Of the mails that were sent last so many are looked at for a letter that may be among them."""


def send_letter(workspace: Workspace, config: Config, letter: Letter) -> str:
    """Send it to all of its recipients, or let it wait in the outbox; to none where anything speaks against one."""
    from mailcore.mail import outgoing
    from mailcore.workspace import audit

    sender = requests.me(workspace)
    to = _checked(workspace, config, sender, letter)
    what = "task" if letter.is_task else "mail"
    wait = config.mail.undo
    too_long = len(letter.whole_body) > outgoing.LONGEST_BODY
    if not wait or letter.priority == "high" or letter.at_once or too_long:
        return _send_now(workspace, config, sender, letter)
    terms = {"expect": letter.expect, "program": letter.program, "model": letter.model, "mode": letter.session}
    mail = outgoing.Outgoing(
        sender,
        to,
        letter.subject,
        letter.whole_body,
        what,
        letter.priority,
        {key: value for key, value in terms.items() if value} if letter.is_task else {},
        audit.current_proof.get(),
    )
    outgoing.put(workspace, mail, wait)
    return f"{what} to {' '.join(to)}, in {duration(wait)}"


def _checked(workspace: Workspace, config: Config, sender: str, letter: Letter) -> tuple[str, ...]:
    from mailcore.mail import post

    author = workspace.agent(sender)
    to = post.check_mail(workspace, author, letter.addresses, letter.subject, letter.whole_body)
    if letter.is_task:
        from mailcore.dispatch import shared_task
        from mailcore.workspace import trust

        trust.require_trust(workspace)
        shared_task.check_all(workspace, config, author, to, (letter.subject, letter.whole_body), _terms(letter))
    return to


def _send_now(workspace: Workspace, config: Config, sender: str, letter: Letter) -> str:
    from mailcore.dispatch import priority_wakes, shared_task
    from mailcore.mail import post

    body = letter.whole_body
    if not letter.is_task:
        sent = post.send_mail(workspace, sender, letter.addresses, letter.subject, body, priority=letter.priority)
        if failed := [f"{one.to}: {one.error}" for one in sent if not one.delivered]:
            has_it = [one.to for one in sent if one.delivered]
            raise MailcoreError("\n".join([*_has(has_it), *failed]), "undelivered")
        urgent = [one for one in sent if one.urgent]
        woken = priority_wakes.wake_recipients(workspace, config, sender, urgent, letter.subject) if urgent else {}
        return f"mail to {' '.join(one.to + _woken_word(woken.get(one.to)) for one in sent)}"
    author = workspace.agent(sender)
    to = post.check_mail(workspace, author, letter.addresses, letter.subject, body)
    shared = shared_task.dispatch_to_all(workspace, config, sender, to, letter.subject, body, _terms(letter))
    if shared.failed:
        failed = [f"{address}: {why}" for address, why in shared.failed]
        raise MailcoreError("\n".join([*_has([one.to for one in shared.done]), *failed]), "not_started")
    asked = []
    for done in shared.done:
        # Why it waits stands in the agent's detail: the notification has one line.
        later = f"waits: {done.code}" if done.queued else f"not started: {done.busy}"
        asked.append(done.to if done.run_id else f"{done.to} ({later})")
    return f"dispatch to {' '.join(asked)}"


def _woken_word(outcome: object) -> str:
    text = getattr(outcome, "short_text", "")
    return f" ({text})" if text else ""


def _has(addresses: Sequence[str]) -> list[str]:
    return [f"{' '.join(addresses)} has it: send it again, and only the others get it"] if addresses else []


def _terms(letter: Letter) -> TaskTerms:
    from mailcore.dispatch.shared_task import TaskTerms

    return TaskTerms(
        letter.expect, letter.program, letter.priority, None, letter.model, letter.session, waits=not letter.at_once
    )


def foresee(workspace: Workspace, config: Config, letter: Letter) -> str:
    """What it would come to, in a sentence."""
    from mailcore.dispatch import forecast

    found = forecast.forecast(workspace, config, OPERATOR, letter.addresses, _terms(letter), is_task=letter.is_task)
    return forecast.forecast_text(found)


def attached_paths(workspace: Workspace, words: Sequence[str]) -> tuple[str, ...]:
    """The files of these words as paths from the project's root. UsageError of one that is not there, or not in it."""
    root = workspace.root.resolve()
    found = []
    for word in words:
        path = Path(os.path.realpath(root / Path(word).expanduser()))
        if not path.is_relative_to(root):
            raise UsageError(f"{word} lies outside of the project {root}: copy it into it", "attached")
        if not path.is_file():
            raise UsageError(f"{word} is no file of {root}", "attached")
        found.append(str(path.relative_to(root)))
    return tuple(dict.fromkeys(found))


def templates(workspace: Workspace) -> tuple[list[Template], list[str]]:
    """The templates of the project by name, and what is wrong with those that are none, in words."""
    from mailcore.system import safe_open

    directory = workspace.state_dir / TEMPLATES
    found, wrong = [], []
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".md"))  # noqa: PTH208
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{directory}: {error.strerror}"]
    for name in names[:MOST_TEMPLATES]:
        path = directory / name
        try:
            safe_open.inside(workspace.root, path)
            text = safe_open.read_bytes(path, most=MOST_OF_A_TEMPLATE).decode()
            found.append(read_template(name.removesuffix(".md"), text))
        except UnicodeDecodeError:
            wrong.append(f"{path}: is no text in UTF-8")
        except (MailcoreError, ValueError) as error:
            wrong.append(f"{path}: {error}")
        except OSError as error:
            wrong.append(f"{path}: {error.strerror}")
    return found, wrong


def taken_back(workspace: Workspace, keep: Callable[[Outgoing], None]) -> Outgoing:
    """The last of the operator's mails that waits, out of the outbox, once `keep` has it. Refused if none does."""
    from mailcore.mail import outgoing

    return outgoing.take_back(workspace, requests.me(workspace), keep=keep)


def letter_of(mail: Outgoing) -> Letter:
    """What was taken back, as it was written; to those who have not got it."""
    said = mail.terms.get
    return Letter(
        " ".join(mail.rest), mail.subject, mail.body, mail.kind == "task", mail.priority, said("expect", ""),
        said("program", ""), said("model", ""), said("mode", ""),
    )  # fmt: skip


def has_gone(workspace: Workspace, letter: Letter, since: float) -> bool:
    """Whether a letter whose sending was begun then (seconds since the epoch) waits in the outbox or was sent since, to
    all who are named in it."""
    from mailcore.mail import outgoing, sent_mail
    from mailcore.mail.route import EVERYONE

    body = letter.whole_body.strip()
    reached = {
        address for mail in outgoing.waiting(workspace, OPERATOR) if mail.body.strip() == body for address in mail.to
    }
    for mail in sent_mail.sent_mails(workspace, workspace.operator, MOST_SENT):
        message = mail.message
        if message.at >= since - 1 and message.body.strip() == body and message.status != "refused":
            reached.add(message.recipient)
    return bool(reached) and reached >= {address for address in letter.addresses if address != EVERYONE}


def waiting_mail(workspace: Workspace) -> tuple[Outgoing, ...]:
    """The operator's mail that waits, the next first."""
    from mailcore.mail import outgoing

    return tuple(outgoing.waiting(workspace, OPERATOR))
