"""Deployment: a weight is put into service on a server, switched by a rename, and taken out of it again.

A reader of the weight sees the one before or the one after, whole. Its record, `<weight>.json`, lies beside it and is
switched first, so that who sees a new weight finds its record there. For an instant the former weight stands with the
new record; the SHA-256 in a record tells which weight it is of.

What is about to happen is written down on the server, in `switching`, before anything is touched, and goes when dlim
has heard how it ended. So wherever anything is killed, the next command knows what was begun. A deployment without an
end is taken back, since its check may have failed; an undeployment is brought to its end, and not done a second time.
"""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import replace

from dlim import builds
from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.learning.place import Place
from dlim.learning.record import now
from dlim.transport.contract import Done
from dlim.transport.files import Moved

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 in hexadecimal: nothing else from a history becomes part of a path."""

Show = Callable[[str], object]
"""Takes a line."""

DEPLOY, UNDEPLOY, REFUSED = "deploy", "undeploy", "refused"

LIMIT = 600
"""Seconds that a check may take."""

WAIT = 10
"""Seconds that somebody else's switch is waited for."""

_TRIES = 9
"""How often a switch begins anew because somebody else was faster."""

_BUSY, _CHANGED, _LACKING, _REFUSED, _UNWELL = 3, 4, 5, 6, 7  # the ends of _SWITCH


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A weight that was put into service: a line of the history.

    time: ISO 8601, UTC. by: who did it, `user@machine`. action: "deploy"; "undeploy", which brought this weight back;
    "refused", where its check failed or had no end, and what `was` there before came back. output, learner, path: the
    output whose `<learner>.tar.gz` has it, and its path there; no output where a person had placed it. sha256: its
    digest; was: that of the weight before it, None where there was no file. record, was_record: the digests of the
    records beside the two. fault: what is wrong now, in a few words; in no history.
    """

    time: str = ""
    by: str
    action: str = DEPLOY
    output: str
    learner: str
    sha256: Digest
    was: Digest | None = None
    path: str = ""
    record: Digest | None = None
    was_record: Digest | None = None
    fault: str = ""

    @property
    def name(self) -> str:
        """How messages call the weight."""
        return self.output or "a weight that was placed by hand"


def deploy(
    place: Place,
    service: Service,
    weight_file: Path,
    deployed: Deployed,
    record: bytes,
    moved: Moved | None = None,
    show: Show | None = None,
) -> Deployed:
    """Put a weight into service; its line of the history, which is an older one where it was in service already.

    deployed: who does it, and where the weight is from. record: what the file beside it is to say. show: takes what the
    check says. The same call goes on where one was interrupted. Raises DeploymentError where the check fails, and what
    was there before is back; or where somebody else is at it.
    """
    if builds.sha256(weight_file) != deployed.sha256:
        raise DeploymentError(weight_file, "is not the weight that was found in the archive", "run again")
    for _ in range(_TRIES):
        seen = _settled(place, service)
        if seen.last and _source(seen.last) == _source(deployed) and seen.held == _after(seen.last):
            return seen.last
        event = _event(deployed, deployed.by, DEPLOY, seen.held, record=hashlib.sha256(record).hexdigest())
        end = _switch(place, service, seen, event, service.check, record, show)
        if end.status == _LACKING:
            place.transport.put(weight_file, place.path("weights", deployed.sha256), moved)
            end = _switch(place, service, seen, event, service.check, record, show)
        if end.status == _LACKING:
            raise DeploymentError(
                _where(place), "the weight that was sent is damaged there at once", "look at its disk"
            )
        if end.status == _REFUSED:
            raise _refusal(place, event, end)
        if end.status == 0:
            _tidy(place, service, seen.followed_by(event), event)
            return event
    raise _overtaken(place)


def undeploy(place: Place, service: Service, by: str, show: Show | None = None) -> Deployed:
    """Put into service again what was there before; its line of the history.

    Its check is run, but where that fails, it stays, and the fault says so. Where an earlier call was interrupted, its
    outcome is returned, and nothing more is taken back. Raises DeploymentError where nothing was there before, where
    that is gone or damaged, or where somebody else is at it.
    """
    for _ in range(_TRIES):
        seen = _look(place, service)
        if seen.unheard and seen.unheard.by == by:
            _tidy(place, service, seen.log, seen.unheard)
            return _outcome(place, service)
        if seen.unfinished:
            if _end(place, service, seen, seen.unfinished):
                return _outcome(place, service)
            continue
        target = _under(seen, place.learner)
        if target is None:
            raise _nothing_before(place, seen)
        event = _event(target, by, UNDEPLOY, seen.held)
        end = _switch(place, service, seen, event, service.check, show=show)
        if end.status == _LACKING:
            raise _lost(place, target)
        if end.status in (0, _UNWELL):
            _tidy(place, service, seen.followed_by(event), event)
            return replace(event, fault=f"its check {end.told}" if end.status else "")
    raise _overtaken(place)


def current(place: Place, service: Service) -> Deployed | None:
    """What is in service; None where no file is. The fault says where that is not what the history says."""
    seen = _look(place, service)
    if seen.held.sha256 is None:
        return None
    if seen.unfinished and seen.unfinished.sha256 == seen.held.sha256:
        return replace(seen.unfinished, fault="its switch has not come to an end")
    if seen.last is None:
        return replace(_placed(seen.held, place.learner), fault="was placed by hand")
    if seen.last.sha256 != seen.held.sha256:
        return replace(_placed(seen.held, place.learner), fault=f"was placed by hand, over {seen.last.name}")
    fault = "" if seen.held == _after(seen.last) else f"{service.weight}.json is not its record"
    return replace(seen.last, fault=fault)


def history(place: Place) -> list[Deployed]:
    """All that was done there, the oldest first."""
    done = place.run('if [ -e "$own/history.jsonl" ]; then cat "$own/history.jsonl"; fi')
    place.transport.require(done)
    return _events(done.out)


class _Held(NamedTuple):
    """What stands in service: the digests of the weight and of the record beside it, None where there is none."""

    sha256: str | None
    record: str | None


@dataclass(frozen=True)
class _Seen:
    """A server as it was a moment ago.

    held: what stood in service. begun: the line of the last switch, where dlim hasn't heard its end. log: the history,
    without what a crash cut off.
    """

    held: _Held
    begun: bytes
    log: bytes

    @property
    def last(self) -> Deployed | None:
        """What put into service what should be there now."""
        return next((event for event in reversed(_events(self.log)) if event.action != REFUSED), None)

    @property
    def _pending(self) -> Deployed | None:
        return next(iter(_events(self.begun + b"\n")), None)

    @property
    def _ended(self) -> bool:
        return self.log.endswith(self.begun + b"\n")

    @property
    def unheard(self) -> Deployed | None:
        """What took something out of service without dlim hearing of it."""
        pending = self._pending
        return pending if pending and self._ended and pending.action != DEPLOY else None

    @property
    def unfinished(self) -> Deployed | None:
        """A switch that came in part to pass."""
        pending = self._pending
        if pending is None or self._ended:
            return None
        before, after = _before(pending), _after(pending)
        if self.held == before and pending.action != REFUSED:
            return None
        return pending if self.held.sha256 in (before.sha256, after.sha256) else None  # else a person came between

    def followed_by(self, event: Deployed) -> bytes:
        """The history with one more event."""
        return self.log + _line(event) + b"\n"


def _before(event: Deployed) -> _Held:
    was, comes = _Held(event.was, event.was_record), _Held(event.sha256, event.record)
    return comes if event.action == REFUSED else was


def _after(event: Deployed) -> _Held:
    was, comes = _Held(event.was, event.was_record), _Held(event.sha256, event.record)
    return was if event.action == REFUSED else comes


def _event(weight: Deployed, by: str, action: str, held: _Held, **more: str) -> Deployed:
    """What is to happen to a weight, now that this is in service."""
    return replace(weight, time=now(), by=by, action=action, was=held.sha256, was_record=held.record, **more)


def _source(event: Deployed) -> tuple[str, ...]:
    return event.output, event.learner, event.path, event.sha256


def _line(event: Deployed) -> bytes:
    fields = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "fault"}
    return msgspec.json.encode(fields)


def _events(log: bytes) -> list[Deployed]:
    """The lines of a history, but for those that make no sense: the next one tells what was there before it."""
    return list(_read(log.split(b"\n")[:-1]))


def _read(lines: Iterable[bytes]) -> Iterator[Deployed]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Deployed)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def _placed(held: _Held, learner: str) -> Deployed:
    """A weight that dlim knows nothing of."""
    return Deployed(by="", output="", learner=learner, sha256=held.sha256 or "", record=held.record)


def _stack(events: Iterable[Deployed]) -> list[Deployed]:
    """What stood in service one over the other, the newest last, after all that happened."""
    stack: list[Deployed] = []
    for event in events:
        if event.action == REFUSED:
            continue
        _notice(stack, _before(event), event.learner)
        same = stack and _source(stack[-1]) == _source(event)
        if same or (event.action == UNDEPLOY and event.was):
            stack.pop()
        if event.action == DEPLOY or not stack or stack[-1].sha256 != event.sha256:
            stack.append(event)
    return stack


def _notice(stack: list[Deployed], held: _Held, learner: str) -> None:
    """Put on the stack what a person has placed meanwhile."""
    if held.sha256 and (not stack or stack[-1].sha256 != held.sha256):
        stack.append(_placed(held, learner))


def _under(seen: _Seen, learner: str) -> Deployed | None:
    """What was in service before what is there now."""
    stack = _stack(_events(seen.log))
    if seen.held.sha256:
        _notice(stack, seen.held, learner)
        stack.pop()
    return stack[-1] if stack else None


def _needed(events: Sequence[Deployed], keep: int) -> set[str]:
    """The files in weights/ that are not to go.

    They are of the weight in service, of so many different ones before it, and of the one that was taken out last, as
    a person's may be nowhere else.
    """
    taken_out = [_before(event) for event in events[-1:]]
    needed: dict[str, list[_Held]] = {}
    for event in reversed(_stack(events)):
        if event.sha256 in needed or len(needed) <= keep:
            needed.setdefault(event.sha256, []).append(_Held(event.sha256, event.record))
    return _files(chain(taken_out, *needed.values()))


def _files(held: Iterable[_Held]) -> set[str]:
    """What they are called in weights/."""
    return {name for state in held for name in (f"{state.sha256}", f"{state.record}.json")}


class _End(NamedTuple):
    """How a switch ended. check: the exit status of its check. said: the last line of that. took: seconds of it all."""

    status: int
    check: int = 0
    said: str = ""
    took: float = 0

    @property
    def told(self) -> str:
        """How the check ended, in words."""
        end = f"was killed by signal {self.check - 128}" if self.check > 128 else f"ended with status {self.check}"
        end = f"took over {LIMIT} s" if self.took >= LIMIT else end
        return f'{end}, saying "{self.said}"' if self.said else end


class _Lines:
    """Cuts what a check writes into lines, shows each, and keeps the last that says something."""

    def __init__(self, show: Show | None) -> None:
        self._show = show
        self._rest = b""
        self.last = ""

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for text in (line.decode(errors="replace").rstrip() for line in lines):
            if text:
                self.last = text
                if self._show:
                    self._show(text)


def _where(place: Place) -> str:
    return place.title


def _overtaken(place: Place) -> DeploymentError:
    return DeploymentError(_where(place), "others switch there again and again", "run again when they are done")


def _refusal(place: Place, event: Deployed, end: _End) -> DeploymentError:
    back = "what was in service before is there again" if event.was else "nothing is in service, as before"
    return DeploymentError(_where(place), f"{event.name} is of no use: its check {end.told}; {back}", "deploy another")


def _nothing_before(place: Place, seen: _Seen) -> DeploymentError:
    if seen.held.sha256 is None:
        return DeploymentError(_where(place), "nothing is in service, and nothing was", "doit deploy an output first")
    known = seen.last if seen.last and seen.last.sha256 == seen.held.sha256 else _placed(seen.held, place.learner)
    return DeploymentError(
        _where(place), f"nothing was in service before {known.name}; nothing is changed", "deploy another output"
    )


def _lost(place: Place, target: Deployed) -> DeploymentError:
    remedy = f"doit deploy {target.output} brings it there anew" if target.output else "deploy an output"
    return DeploymentError(
        _where(place), f"{target.name} was in service before, but is gone or damaged there; nothing is changed", remedy
    )


def _busy(place: Place, begun: str) -> DeploymentError:
    event = next(iter(_events(begun.encode() + b"\n")), None)
    who = f"{event.by} is at it since {event.time} ({event.action} {event.output})" if event else "another is at it"
    return DeploymentError(_where(place), who, "run again when that has ended")


def _outcome(place: Place, service: Service) -> Deployed:
    """What is in service after a call that was interrupted, and has come to its end now."""
    found = current(place, service)
    if found is None:
        raise DeploymentError(
            _where(place),
            "a deployment that was interrupted is taken back; nothing is in service, as nothing was before it",
            "deploy an output",
        )
    return found


def _settled(place: Place, service: Service) -> _Seen:
    """A server on which no switch is left half-way."""
    for _ in range(_TRIES):
        seen = _look(place, service)
        if not seen.unfinished:
            return seen
        _end(place, service, seen, seen.unfinished)
    raise _overtaken(place)


def _end(place: Place, service: Service, seen: _Seen, begun: Deployed) -> bool:
    """Bring a switch to an end that is left half-way; False where somebody did that first, or it can't be done."""
    event = replace(begun, action=REFUSED) if begun.action == DEPLOY else begun
    status = _switch(place, service, seen, event).status
    if status == _LACKING:  # what was there before is lost: what is there now stays, as if a person had placed it
        _tidy(place, service, seen.log, begun)
    if status == 0:
        _tidy(place, service, seen.followed_by(event), event)
    return status == 0


def _look(place: Place, service: Service) -> _Seen:
    done = _run(place, service, _LOOK)
    place.transport.require(done)
    held, begun, log = done.out.split(b"\n", 2)
    sha256, record = (None if word == "-" else word for word in held.decode().split(" "))
    return _Seen(_Held(sha256, record), begun, log[: log.rfind(b"\n") + 1])


def _switch(
    place: Place,
    service: Service,
    seen: _Seen,
    event: Deployed,
    check: str = "",
    record: bytes = b"",
    show: Show | None = None,
) -> _End:
    """Let an event happen on a server that is as it was seen."""
    lines, began = _Lines(show), time.monotonic()
    done = _run(
        place,
        service,
        _SWITCH,
        str(seen.log.count(b"\n")),
        seen.begun.decode(errors="surrogateescape"),
        *(digest or "-" for digest in (*seen.held, *_after(event))),
        _line(event).decode(),
        _line(replace(event, action=REFUSED)).decode(),
        event.action,
        check,
        str(LIMIT),
        feed=[record] if record else (),
        sink=lines,
    )
    complaint = (done.err.splitlines() or [""])[-1]
    if done.status == _BUSY:
        raise _busy(place, complaint)
    if done.status in (_REFUSED, _UNWELL):
        return _End(done.status, int(complaint), lines.last, time.monotonic() - began)
    if done.status not in (_CHANGED, _LACKING):
        place.transport.require(done)
    return _End(done.status)


def _tidy(place: Place, service: Service, log: bytes, ended: Deployed) -> None:
    """Remove what no undeployment needs, and what tells of a switch whose end is known now."""
    events = _events(log)
    needed = _needed(events, service.keep)
    known = _files(state for event in events for state in (_before(event), _after(event)))
    lines = [f"keep {name}\n" for name in needed] + [f"drop {name}\n" for name in known - needed]
    feed = ["".join(sorted(lines)).encode()]
    done = _run(place, service, _TIDY, str(log.count(b"\n")), _line(ended).decode(), feed=feed)
    if done.status != _BUSY:  # who is at it tidies up
        place.transport.require(done)


def _run(
    place: Place,
    service: Service,
    script: str,
    *arguments: str,
    feed: Iterable[bytes] = (),
    sink: Callable[[bytes], object] | None = None,
) -> Done:
    weight = posixpath.join(".", service.weight)  # a name may begin with a dash
    return place.run(_COMMON + script, weight, str(WAIT), *arguments, feed=feed, sink=sink)


_COMMON = r"""
weight=$1 wait=$2
shift 2
for program in flock sha256sum timeout; do
    command -v $program >/dev/null || { echo "$program: not found" >&2; exit 127; }
done

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# The SHA-256 of a file; - where there is none.
held() {
    if [ -f "$1" ]; then
        [ -r "$1" ] || fail "$1 can't be read"
        # openssl is several times faster, but not everywhere
        sum=$(openssl dgst -sha256 -r <"$1" 2>/dev/null) || sum=$(sha256sum <"$1") || exit 1
        printf '%s\n' "${sum%% *}"
    elif [ -e "$1" ]; then
        fail "$1 is there, but is no file"
    else
        echo -
    fi
}

log=$own/history.jsonl
lines() { if [ -e "$log" ]; then wc -l <"$log"; else echo 0; fi; }

# $begun: the line of the switch whose end nobody heard.
look() {
    begun=
    IFS= read -r begun 2>/dev/null <"$own/switching" || :
}

# Be the only one; else say who is.
lock() {
    exec 8>>"$own/switch.lock" || exit 1
    flock -w "$wait" 8
    case $? in
    0) ;;
    1) look; printf '%s\n' "$begun" >&2; exit 3 ;;
    *) exit 1 ;;
    esac
}
"""

# What is in service, $begun, and the history. Without the lock, as a check may take long.
_LOOK = r"""
for try in 1 2 3; do
    look
    line=$begun before=$(lines)
    now=$(held "$weight") && told=$(held "$weight.json") || exit 1
    look
    [ "$begun" = "$line" ] && [ "$(lines)" = "$before" ] && break
done
printf '%s %s\n%s\n' "$now" "$told" "$line"
if [ -e "$log" ]; then cat "$log"; fi
"""

# LINES HEARD NOW TOLD NEW RECORD LINE REFUSED ACTION CHECK LIMIT < record
# Switch from NOW and its record TOLD to NEW and RECORD, with LINE for the history, unless something has changed since
# that had so many LINES, and $begun was HEARD. Each digest is - where there is no file. Ends with 3 where another is at
# it, 4 where something has changed, 5 where NEW is not in weights/, 6 where the check refused it, 7 where it did so in
# vain.
_SWITCH = r"""
lines=$1 heard=$2 now=$3 told=$4 new=$5 record=$6 line=$7 refused=$8 action=$9
shift 9
check=$1 limit=$2
case $weight in
/*) full=$weight ;;
*) full=$PWD/${weight#./} ;;
esac

stored() { [ "$1" = - ] || [ "$(held "$own/weights/$1$2" 2>/dev/null)" = "$1" ]; }

# keep DIGEST SUFFIX FILE: a copy, as whoever has the file open may write to it still
keep() {
    stored "$1" "$2" && return
    cp "$3" "$own/fresh" || exit 1
    [ "$(held "$own/fresh")" = "$1" ] || exit 4
    mv -fT "$own/fresh" "$own/weights/$1$2" || exit 1
}

# with LINE: the history and that line, in history.new
with() {
    if [ -e "$log" ]; then cp "$log" "$own/history.new"; else printf '' >"$own/history.new"; fi || return 1
    if [ -n "$(tail -c 1 "$own/history.new")" ]; then  # a crash has cut off its last line
        while IFS= read -r text; do printf '%s\n' "$text"; done <"$log" >"$own/history.new" || return 1
    fi
    printf '%s\n' "$1" >>"$own/history.new"
}

# serve NEW RECORD NOW: the record is renamed first, then the weight; both lie ready beside before
serve() {
    rm -f "$weight.dlim-new"
    if [ "$1" = - ]; then
        rm -f "$weight" && rm -f "$weight.json"
        return
    fi
    if [ "$1" != "$3" ] || [ -L "$weight" ]; then
        ln "$own/weights/$1" "$weight.dlim-new" 2>/dev/null || cp "$own/weights/$1" "$weight.dlim-new" || return 1
        # whoever could read the one before can read this one
        mode=$(stat -L -c %a "$weight" 2>/dev/null) && chmod "$mode" "$weight.dlim-new" 2>/dev/null
    fi
    if [ "$2" = - ]; then
        rm -f "$weight.json" || return 1
    else
        cp "$own/weights/$2.json" "$weight.json.dlim-new" && mv -fT "$weight.json.dlim-new" "$weight.json" || return 1
    fi
    [ ! -e "$weight.dlim-new" ] || mv -fT "$weight.dlim-new" "$weight"
}

# The check, its lines as they come. What it leaves running has neither the lock nor a hold on us.
checked() {
    mark="dlim $$ ended"
    {
        DLIM_WEIGHT=$full timeout -k 10 "$limit" sh -c "$check" 2>&1 </dev/null 8>&-
        printf '\n%s %s\n' "$mark" $?
    } | (
        trap : HUP PIPE
        while IFS= read -r text; do
            case $text in
            "$mark "*) exit "${text#"$mark "}" ;;
            *) printf '%s\n' "$text" 2>/dev/null ;;
            esac
        done
        exit 1
    )
}

lock
# caught and not ignored, which a check would inherit: when dlim goes, this goes on to its end
trap : HUP PIPE
trap 'rm -f "$own/fresh" "$own/history.new" "$weight.dlim-new" "$weight.json.dlim-new"' EXIT
look
[ "$begun" = "$heard" ] && [ "$(lines)" -eq "$lines" ] || exit 4
[ "$(held "$weight")" = "$now" ] && [ "$(held "$weight.json")" = "$told" ] || exit 4
stored "$new" '' || exit 5
mkdir -p "$own/weights" "$(dirname "$weight")" || exit 1

cat >"$own/fresh" || exit 1
if [ -s "$own/fresh" ]; then
    [ "$(held "$own/fresh")" = "$record" ] || fail 'the record was cut off'
    mv -fT "$own/fresh" "$own/weights/$record.json" || exit 1
fi
if ! stored "$record" .json; then
    [ "$action" != deploy ] || fail 'the record was cut off'
    record=-
fi
keep "$now" '' "$weight"
keep "$told" .json "$weight.json"
printf '%s\n' "$line" >"$own/fresh" && mv -fT "$own/fresh" "$own/switching" || exit 1
with "$line" || exit 1
serve "$new" "$record" "$now" || exit 1

bad=0
if [ -n "$check" ]; then
    checked
    bad=$?
fi
if [ $bad -ne 0 ] && [ "$action" = deploy ]; then
    serve "$now" "$told" "$new" && with "$refused" && mv -fT "$own/history.new" "$log" || exit 1
    rm -f "$own/switching"
    echo $bad >&2
    exit 6
fi
mv -fT "$own/history.new" "$log" || exit 1
[ $bad -eq 0 ] || { echo $bad >&2; exit 7; }
"""

# LINES ENDED < "keep NAME" and "drop NAME" lines, for a history of so many LINES. What neither names, such as the rest
# of an upload, goes after a day.
_TIDY = r"""
list=$(cat)
lock
[ "$(lines)" -eq "$1" ] || exit 0
for file in "$own"/weights/* "$own"/weights/.*.part; do
    name=${file##*/}
    case "
$list
" in
    *"
keep $name
"*) continue ;;
    *"
drop $name
"*) rm -f "$file" ;;
    *) [ -z "$(find "$file" -mtime +0 2>/dev/null)" ] || rm -f "$file" ;;
    esac
done
look
[ "$begun" != "$2" ] || rm -f "$own/switching"
"""
