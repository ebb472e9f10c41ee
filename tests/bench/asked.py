"""How much a bench measures: figures with defaults, each of which an option of the command line may set."""

from __future__ import annotations

import argparse
import os


def ask(amounts: argparse.Namespace, about: str | None) -> None:
    """Set what the command line says otherwise: `--turns 5` for `turns`, several numbers for a list.

    What is started from now on keeps its byte code, as what is installed does: without it the screen takes twice as
    long to start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter, argument_default=argparse.SUPPRESS
    )
    for name, default in vars(amounts).items():
        many = isinstance(default, list)
        kind = type(default[0] if many else default)
        parser.add_argument(f"--{name}", type=kind, nargs="+" if many else None, help=f"default: {default}")
    vars(amounts).update(vars(parser.parse_args()))
