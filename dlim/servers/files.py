"""A file on its way: how it is read here, the part that grows here, and the scripts for the other end."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dlim import store
from dlim.errors import TransportError

Moved = Callable[[int], object]
"""Told of every piece that was moved: bytes since it was last called. What an earlier call had brought counts, too."""

PIECE = 8 * ((1 << 15) - 64)
"""Bytes of a file that are read at once: whole packets of ssh."""

STEP = 1 << 20
"""A put goes on at a multiple of this many bytes; a file that is no larger is moved at once, without asking first."""

END = 1 << 20
"""Bytes at each end of a file that, with its size, tell it from others; so a part is known before all is read."""

HEX = 64
"""Digits of a SHA-256."""

DIGEST, SIZE = f"[0-9a-f]{{{HEX}}}", "[0-9]{1,18}"
"""How a script says a digest and a size; all else comes from a server that isn't as it should be."""

DAMAGED, SHORT = 65, 66
"""The status of PUT where the file there isn't what it should be, so that its part is gone, or isn't whole yet."""

_TOOLS = f"""
sha() {{  # openssl is several times faster than sha256sum, but not everywhere
    if command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi | {{
        read -r digest rest
        echo "$digest"
    }}
}}
ends() {{
    {{
        echo "$2"
        head -c {END} <"$1"
        tail -c {END} <"$1"
    }} | sha
}}
sound() {{ [ ${{#1}} = {HEX} ] || exit 127; }}
"""

BEGUN = (
    _TOOLS
    + """
# TARGET PART SIZE ENDS: how many bytes of the part are there; or the digest of the target, if that may be the file
if [ -f "$1" ] && [ "$(wc -c <"$1")" -eq "$3" ] && [ "$(ends "$1" "$3")" = "$4" ]; then
    sha <"$1"
elif [ -f "$2" ] && [ "$(wc -c <"$2")" -le "$3" ]; then
    wc -c <"$2"
else
    [ ! -f "$2" ] || rm -f -- "$2"
    echo 0
fi
"""
)

PUT = (
    _TOOLS
    + f"""
# TARGET FOLDER PART STEPS SIZE [DIGEST] < the file from that many steps on: its digest, where none was given
mkdir -p -- "$2" || exit 1
if [ -d "$1" ]; then
    echo "$1: is a folder" >&2
    exit 1
fi
# Written at its place and not appended: a script whose link broke may still be writing the same.
{{
    [ "$4" = 0 ] || dd if=/dev/null bs={STEP} seek="$4" count=0 conv=notrunc 2>/dev/null
    cat
}} 1<>"$3" || exit 1
[ "$(wc -c <"$3")" -ge "$5" ] || exit {SHORT}  # so ends the input when the link breaks
digest=$(sha <"$3")
sound "$digest"
if [ -z "$6" ]; then
    echo "$digest"
elif [ "$digest" = "$6" ]; then
    mv -f -- "$3" "$1"
else
    rm -f -- "$3"
    exit {DAMAGED}
fi
"""
)

SEAL = 'mv -f -- "$2" "$1"  # TARGET PART'

DROP = 'rm -f -- "$1"  # PART'

SEEN = (
    _TOOLS
    + f"""
# SOURCE: its size and what tells it from others; if it is small its digest, too, and then the file itself
if [ ! -f "$1" ]; then
    echo "there is no file${{1:+ $1}}" >&2
    exit 1
fi
size=$(wc -c <"$1") || exit 1
size=$((size))
ends=$(ends "$1" "$size")
sound "$ends"
if [ "$size" -gt {STEP} ]; then
    echo "$size $ends"
else
    echo "$size $ends $(sha <"$1")"
    cat <"$1"
fi
"""
)

GET = (
    _TOOLS
    + """
# SOURCE OFFSET: the file from there on, and then the digest of all of it, unless it was written to meanwhile
stamp() { stat -c '%s %y %z' -- "$1" 2>/dev/null || ls -ln -- "$1"; }
before=$(stamp "$1")
if [ "$2" = 0 ]; then cat <"$1"; else tail -c "+$(($2 + 1))" <"$1"; fi &
digest=$(sha <"$1")
wait "$!" || exit 1
sound "$digest"
[ "$(stamp "$1")" != "$before" ] || echo "$digest"
"""
)


class File(NamedTuple):
    """What tells a file from others without reading all of it: its size, and the SHA-256 of that and of both ends."""

    size: int
    ends: str

    @property
    def part(self) -> str:
        """The name, in the same folder, of what there is of it so far; that of another file is called otherwise."""
        return f".{self.ends}.part"


class Source:
    """A file of this machine that is to be sent. Raises TransportError where it can't be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _told(path, "read"), path.open("rb", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            ends = hashlib.sha256(f"{size}\n".encode())
            for start in (0, max(0, size - END)):
                file.seek(start)
                ends.update(file.read(END))
        self.file = File(size, ends.hexdigest())
        self._stamp = _stamp(path)
        self._digest = ""
        self._reading = threading.Thread(target=self._read, daemon=True)  # while it is being sent
        self._reading.start()

    def digest(self) -> str:
        """The SHA-256 of all of it, in hexadecimal; none where it was changed meanwhile, or can't be read any more."""
        self._reading.join()
        return self._digest if _stamp(self._path) == self._stamp else ""

    def pieces(self, start: int, moved: Moved | None) -> Iterator[bytes]:
        """Its bytes from `start` on; fewer than there were where it has become shorter."""
        with _told(self._path, "read"), self._path.open("rb", buffering=0) as file:
            file.seek(start)
            while data := file.read(min(PIECE, self.file.size - start)):
                yield data
                start += len(data)
                if moved:
                    moved(len(data))

    def _read(self) -> None:
        with suppress(OSError):
            self._digest = store.sha256(self._path)


class Part:
    """A file of this machine that is being written, beside the one whose place it takes when it is whole.

    begun: how many bytes of it were there already. Raises TransportError where it can't be written.
    """

    def __init__(self, target: Path, file: File) -> None:
        self.begun = 0
        self._target, self._file = target, file
        self._path = target.with_name(file.part)
        self._left = file.size
        self._hash = hashlib.sha256()
        self._beyond = b""
        self._stream: BinaryIO

    def __enter__(self) -> Part:
        with _told(self._target, "written"):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            there = self._path.stat().st_size if self._path.is_file() else 0
            if there > self._file.size:
                self._path.unlink()
                there = 0
            self._path.touch()
            self._stream = self._path.open("r+b")
            while data := self._stream.read(min(STEP, there - self.begun)):
                self.begun += len(data)
                self._hash.update(data)
            self._left -= self.begun
        return self

    def __exit__(self, *_: object) -> None:
        with _told(self._target, "written"):
            self._stream.close()

    def write(self, data: bytes) -> int:
        """Add what comes next, up to the file's size: so many bytes. What comes then is its digest."""
        data, beyond = data[: self._left], data[self._left :]
        with _told(self._target, "written"):
            self._stream.write(data)
        self._hash.update(data)
        self._left -= len(data)
        self._beyond = (self._beyond + beyond)[:100]
        return len(data)

    def finish(self) -> bool:
        """Take the target's place; or vanish and say no, where it isn't what it should be."""
        with _told(self._target, "written"):
            self._stream.close()
            if self._left or self._hash.hexdigest().encode() != self._beyond.strip():
                self._path.unlink()
                return False
            self._path.replace(self._target)
        return True


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is written to."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    """What this machine's own disk has against it, as a TransportError."""
    try:
        yield
    except OSError as error:
        raise TransportError(path, f"can't be {done} ({error.strerror})", "see to that, and run again") from error
