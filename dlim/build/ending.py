"""How a command of dlim's ends: with a status, and a line for what stood in its way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Collection, Iterable

from doit.exceptions import InvalidCommand, InvalidDodoFile

from dlim.errors import DlimError, unusable
from dlim.names import nearest

FAULTY = 3
"""The status of a command that a fault has kept from its work."""

INTERRUPTED = 128 + signal.SIGINT


def told(work: Callable[[], int], names: Callable[[], Iterable[str]] = tuple) -> int:
    """Do a command's work; its status. What a user can mend is a line, and a reader that leaves is no fault.

    names: of the tasks there are.
    """
    try:
        return work()
    except InvalidCommand as error:
        if error.not_found is None:
            raise
        print(unknown(error.not_found, names()), file=sys.stderr)
    except (DlimError, InvalidDodoFile) as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        return _unheard()
    except OSError as error:
        # what is written to has no name: it is the output, or dlim's own file, which says so
        print(unusable(error, None if error.filename else "the output, or the workspace"), file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return FAULTY


def require(names: Iterable[str], tasks: Collection[str]) -> None:
    """Raises InvalidCommand where one of the names is no task's."""
    for name in names:
        if name not in tasks:
            raise InvalidCommand(not_found=name)


def unknown(name: str, names: Iterable[str]) -> str:
    """That there is no such task, with the nearest."""
    if name.startswith("label:shots/"):
        return f'doit: "{name}" is no shot; doit shots lists them'
    near = nearest(name, names)
    # all there are would fill a screen
    remedy = near if near.startswith("did you") else "doit list shows those there are"
    return f'doit: "{name}" is no task; {remedy}'


def _unheard() -> int:
    """The status of a command whose reader has gone (`doit list | head`), as a shell counts it."""
    # Python would flush what is left into the broken pipe at its end, and complain
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE
