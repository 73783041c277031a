"""Ctrl-C ends a command with one line and exit code 130.

While the modules of the command are imported, `hybrid/__init__.py` lets it end the process at once.
"""

import signal
import sys
from types import FrameType
from typing import NoReturn

import hybrid

EXIT_CODE = 130  # as of a shell's command that SIGINT ended
_requested = False


def raise_interrupt() -> None:
    """From now on let Ctrl-C raise KeyboardInterrupt, so that unfinished work is removed."""
    if signal.getsignal(signal.SIGINT) is vars(hybrid)["_quit"]:
        signal.signal(signal.SIGINT, _raise)


def is_requested() -> bool:
    """Return whether Ctrl-C was pressed. A library that is being imported may have replaced the KeyboardInterrupt."""
    return _requested


def say() -> None:
    """Say that the command was interrupted, on a line of its own after the terminal's ``^C``."""
    print("\nAborted!" if sys.stderr.isatty() else "Aborted!", file=sys.stderr, flush=True)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    global _requested
    _requested = True
    raise KeyboardInterrupt
