"""`trust`, `operator`: what a workspace from a stranger may start, and the proof that a person is the operator."""

from __future__ import annotations

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import proof_option, sender_option
from mailcore.config.reader import read_settings
from mailcore.workspace import trust as trusting


def arguments(verb: str, parser: Parser) -> None:
    """`trust [--show|--revoke]`; `operator passphrase|off`."""
    if verb == "trust":
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--show", action="store_true", help="say what its config starts or permits; allow nothing")
        what.add_argument("--revoke", action="store_true", help="follow nothing any more of what was allowed")
    else:
        parser.add_argument("what", choices=("passphrase", "off"), help="set it, or ask for it no more here")
    sender_option(parser)
    proof_option(parser)


def trust(call: Call) -> VerbResult:
    """Allow what config.toml starts or permits, until it changes."""
    from mailcore.workspace import audit

    workspace = call.workspace
    found = trusting.trust_status(workspace, read_settings(workspace.config_file)[0])
    value = {"file": str(workspace.config_file), "keys": dict(found.rights), "withheld": found.why}
    state = trusting.why_state_untrusted(workspace)
    listed = "\n".join(found.lines) or f"{workspace.config_file} starts nothing and gives no rights"
    if call.arguments.show:
        lines = [listed, f"withheld: {found.why}" if found.why else "followed", *([state] if state else [])]
        return value | {"state": state}, "\n".join(lines)
    by = call.require().address
    if call.arguments.revoke:
        known = trusting.revoke_trust(workspace)
        audit.record(workspace, by, "trust", revoked=True)
        return value | {"revoked": known}, "revoked" if known else "nothing was allowed"
    if found.rights or state:
        trusting.allow_keys(workspace, found)
        audit.record(workspace, by, "trust", keys=list(found.rights))
    return value | {
        "withheld": ""
    }, f"{listed}\nallowed, until one of them changes" if found.rights or state else listed


def operator(call: Call) -> VerbResult:
    """Set the operator's passphrase, or ask for it no more in this workspace."""
    from mailcore.identity import passphrase

    call.require(prove=False)
    if call.arguments.what == "off":
        passphrase.stop_asking(
            call.workspace, passphrase.read_phrases(call.arguments.proof_fd, "the operator's passphrase: ")
        )
        return {"proof": "none"}, "it is asked for no more here, unless config.toml says [operator] proof"
    asked = ["the present passphrase: "] if passphrase.stored_passphrase() is not None else []
    phrases = passphrase.read_phrases(call.arguments.proof_fd, *asked, "the new passphrase: ", "once more: ")
    passphrase.set_passphrase(call.workspace, phrases)
    return {
        "proof": "passphrase",
        "file": str(passphrase.passphrase_file()),
    }, f"set; its hash is in {passphrase.passphrase_file()}"
