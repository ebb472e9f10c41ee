"""Options that several verbs have, each said in one place."""

from __future__ import annotations

from mailcore.cli.parse import Parser

ID = "a message: its number (12 or '#12'), its id, or a beginning of that, 4 characters or more, that no other has"
"""What an ID argument may be, for `--help`."""


def sender_option(parser: Parser) -> None:
    """`--from`, by which a caller that nothing proves to be another says who it is."""
    parser.add_argument("--from", dest="sender", metavar="@a", help="declare who calls; the mail says so")


def proof_option(parser: Parser) -> None:
    """`--proof-fd`, for what the operator alone may do."""
    parser.add_argument(
        "--proof-fd",
        type=int,
        metavar="N",
        help="read the operator's passphrase from this descriptor, where one is set",
    )


def host_options(parser: Parser) -> None:
    """Of what another host of the link can be asked for: which, and how long that is waited for."""
    group = parser.add_argument_group("on another host of the link, which `@writer.beta` names too")
    group.add_argument("--host", metavar="HOST", default="", help="do it there")
    group.add_argument("--wait", type=float, metavar="S", help="wait so long for its answer; 0: not at all")
    group.add_argument("--keep", metavar="TIME", help="let it begin within that time, as 2h, if the host is away (10m)")
    for name, option in (("--from", sender_option), ("--proof-fd", proof_option)):
        if parser.takes_value(name) is None:
            option(parser)


def data_options(parser: Parser, what: str) -> None:
    """`--data` and `--data-text`, for a JSON value that goes with a mail."""
    parser.add_argument("--data", metavar="FILE", help=f"a file of JSON, {what}; - reads standard input")
    parser.add_argument("--data-text", metavar="JSON", help="the same as a word")


def schema_options(parser: Parser, what: str) -> None:
    """`--schema` and `--schema-text`, for a JSON Schema."""
    parser.add_argument("--schema", metavar="FILE", help=f"a JSON Schema {what}; - reads standard input")
    parser.add_argument("--schema-text", metavar="JSON", help="the same as a word")
