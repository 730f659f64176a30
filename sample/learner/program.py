"""What the three programs have in common: an error is one line, and a file is written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

# BLAS is told before numpy loads it, so programs import this module first. One thread is as quick with matrices as
# small as these; and how a product is divided among threads shows in a weight's last bits.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[_name] = "1"

try:
    import numpy  # noqa: F401 - looked for here, so that its absence is one line as well
    import PIL  # noqa: F401
except ImportError as missing:
    sys.exit(f"{sys.executable}: {missing}; python3 -m pip install numpy pillow")


class Fault(Exception):  # noqa: N818 - what is wrong and what to do about it; no error of the program's
    """A fault that a person can mend. Its text is one line."""

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a program and exit: with what it returns, with 1 and a line on stderr, or with 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # paths are shown in any locale
    try:
        sys.exit(main())
    except Fault as fault:
        sys.exit(str(fault))
    except OSError as error:
        sys.exit(f"{error.filename or 'what is written'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def dataset_folder(argument: str | None) -> Path:
    """The dataset's folder: what was given, else what DLIM_DATASET says. Raises Fault where there is none."""
    named = argument or os.environ.get("DLIM_DATASET")
    if not named:
        raise Fault("no dataset is named; give --dataset DIR, or set DLIM_DATASET")
    if not Path(named).is_dir():
        raise Fault(f"{named}: there is no dataset; name the folder that holds Annotations and JPEGImages")
    return Path(named)


def write_file(path: Path, data: bytes) -> None:
    """Write a file beside and rename it, so that the name never stands for half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.part")
    try:
        making.write_bytes(data)
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """A path as it can stand in a line: what can't be printed, such as a line's end, is escaped."""
    return str(path) if str(path).isprintable() else ascii(str(path))[1:-1]
