"""A handful of small files, brought to a server or fetched from there in one go."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from dlim import archive, store
from dlim.errors import CommandError
from dlim.servers.contract import Done, Transport

_WHOLE = ".whole"
"""The last file of what is sent: without it something was cut off."""

_LACKING = """mkdir -p "$1" && cd "$1" || exit 1
# what one that was killed had brought, and not yet put in its place: while it lives, it has its lock
for each in .dlim-incoming.*.own; do
    [ ! -e "$each" ] || (flock -x -n 6 && rm -rf "${each%.own}" "${each%.own}".*) 6>>"$each"
done
command -v sha256sum >/dev/null || { echo 'sha256sum: not found' >&2; exit 127; }
while read -r digest path; do
    [ "$(sha256sum <"$path" 2>/dev/null | cut -d ' ' -f 1)" = "$digest" ] || printf '%s\\n' "$path"
done
"""

_TAKE = """cd "$1" || exit 1
for tool in tar flock; do command -v $tool >/dev/null || { echo "$tool: not found" >&2; exit 127; }; done
into=.dlim-incoming.$$
exec 6>>"$into.own" && flock -x 6 || exit 1
trap 'rm -rf "$into" "$into".*' EXIT
mkdir "$into" && tar xf - -C "$into" || exit 1
[ -f "$into/.whole" ] || { echo 'what was sent is cut off' >&2; exit 1; }
rm "$into/.whole"
(cd "$into" && find . -type f) >"$into.list"
while read -r path; do
    mkdir -p "$(dirname "$path")" && mv -f "$into/$path" "$path" || exit 1
done <"$into.list"
"""

_GIVE = """cd "$1" 2>/dev/null || exit 0
command -v tar >/dev/null || { echo 'tar: not found' >&2; exit 127; }
list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT
while read -r path; do [ -f "$path" ] && printf '%s\\n' "$path"; done >"$list"
tar cf - -T "$list"
"""


def bring(transport: Transport, folder: str, files: Mapping[str, Path]) -> list[str]:
    """Bring files to a folder of a server, by their paths below it; which of them weren't there already.

    Each is replaced by renaming, and none before all have arrived. Other files there stay.
    """
    lines = "".join(f"{store.sha256(path)} {name}\n" for name, path in files.items())
    lacking = _ran(transport, _LACKING, folder, [lines.encode()]).text.splitlines()
    if lacking:
        _ran(transport, _TAKE, folder, [_packed({name: files[name] for name in lacking if name in files})])
    return lacking


def fetch(transport: Transport, folder: str, names: Iterable[str]) -> dict[str, bytes]:
    """The contents of those files of a server's folder that there are, by their paths below it."""
    done = _ran(transport, _GIVE, folder, ["".join(f"{name}\n" for name in names).encode()])
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(done.out)) as tar:
            for member in tar:
                # one that says to be larger than all that came has holes
                file = tar.extractfile(member) if member.isreg() and member.size <= len(done.out) else None
                if file and not member.issparse():
                    found[member.name] = file.read()
    except (tarfile.TarError, ValueError, OverflowError) as error:
        if done.out.strip(b"\0"):
            raise CommandError(transport.server, "what it sent is damaged", "try again") from error
    return found


def _ran(transport: Transport, script: str, folder: str, feed: Iterable[bytes]) -> Done:
    done = transport.run(script, folder, feed=feed)
    transport.require(done)
    return done


def _packed(files: Mapping[str, Path]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in files.items():
            data = path.read_bytes()
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), archive.TIME
            info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tar.addfile(info, io.BytesIO(data))
        tar.addfile(tarfile.TarInfo(_WHOLE))
    return packed.getvalue()
