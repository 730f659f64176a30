"""Deployment: a weight is put into service on a server, switched by a rename, and taken out of it again.

A reader of the weight sees the one before or the one after, whole. Its record, `<weight>.json`, lies beside it and is
switched first, so that who sees a new weight finds its record there. For an instant the former weight stands with the
new record; the SHA-256 in a record tells which weight it is of.

Where a switch was begun and nobody heard how it ended, a deployment is taken back, since its check may have failed; an
undeployment is brought to its end, and not done a second time.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from msgspec.structs import replace

from dlim import store
from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.runs import history
from dlim.runs.history import DEPLOY, REFUSED, UNDEPLOY, Deployed, Held
from dlim.runs.place import Place
from dlim.runs.record import now
from dlim.runs.switch import LACKING, UNFIT, UNWELL, End, Seen, Show, look, switch, tidy
from dlim.servers.files import Moved

_TRIES = 9
"""How often a switch begins anew because somebody else was faster."""


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

    deployed: who does it, and where the weight is from. record: what the file beside it is to say. moved: takes the
    bytes that go there. show: takes what the check says. The same call goes on where one was interrupted. Raises
    DeploymentError where the check fails, and what was there before is back; or where somebody else is at it.
    """
    if store.sha256(weight_file) != deployed.sha256:
        raise DeploymentError(weight_file, "is not the weight that was found in the archive", "run again")
    for _ in range(_TRIES):
        seen = _settled(place, service)
        if seen.last and seen.last.source == deployed.source and seen.held == seen.last.after:
            return seen.last
        event = _event(deployed, deployed.by, DEPLOY, seen.held, record=hashlib.sha256(record).hexdigest())
        end = switch(place, service, seen, event, service.check, record, show)
        if end.status == LACKING:
            place.transport.put(weight_file, place.path("weights", deployed.sha256), moved)
            end = switch(place, service, seen, event, service.check, record, show)
        if end.status == LACKING:
            raise DeploymentError(place.title, "the weight that was sent is damaged there at once", "look at its disk")
        if end.status == UNFIT:
            raise _refusal(place, event, end)
        if end.status == 0:
            tidy(place, service, seen.followed_by(event), event)
            return event
    raise _overtaken(place)


def undeploy(place: Place, service: Service, by: str, show: Show | None = None) -> Deployed:
    """Put into service again what was there before; its line of the history.

    Its check is run, but where that fails, it stays, and the fault says so. Where an earlier call was interrupted, its
    outcome is returned, and nothing more is taken back. Raises DeploymentError where nothing was there before, where
    that is gone or damaged, or where somebody else is at it.
    """
    for _ in range(_TRIES):
        seen = look(place, service)
        if seen.unheard and seen.unheard.by == by:
            tidy(place, service, seen.log, seen.unheard)
            return _outcome(place, service)
        if seen.unfinished:
            if _end(place, service, seen, seen.unfinished):
                return _outcome(place, service)
            continue
        target = history.under(history.events(seen.log), seen.held, place.learner)
        if target is None:
            raise _nothing_before(place, seen)
        event = _event(target, by, UNDEPLOY, seen.held)
        end = switch(place, service, seen, event, service.check, show=show)
        if end.status == LACKING:
            raise _lost(place, target)
        if end.status in (0, UNWELL):
            tidy(place, service, seen.followed_by(event), event)
            return replace(event, fault=f"its check {end.told}" if end.status else "")
    raise _overtaken(place)


def current(place: Place, service: Service) -> Deployed | None:
    """What is in service; None where no file is. The fault says where that is not what the history says."""
    seen = look(place, service)
    if seen.held.sha256 is None:
        return None
    if seen.unfinished and seen.unfinished.sha256 == seen.held.sha256:
        return replace(seen.unfinished, fault="its switch has not come to an end")
    if seen.last is None:
        return replace(history.placed(seen.held, place.learner), fault="was placed by hand")
    if seen.last.sha256 != seen.held.sha256:
        return replace(history.placed(seen.held, place.learner), fault=f"was placed by hand, over {seen.last.name}")
    fault = "" if seen.held == seen.last.after else f"{service.weight}.json is not its record"
    return replace(seen.last, fault=fault)


def _event(weight: Deployed, by: str, action: str, held: Held, **more: str) -> Deployed:
    """What is to happen to a weight, now that this is in service."""
    return replace(weight, time=now(), by=by, action=action, was=held.sha256, was_record=held.record, **more)


def _settled(place: Place, service: Service) -> Seen:
    """A server on which no switch is left half-way."""
    for _ in range(_TRIES):
        seen = look(place, service)
        if not seen.unfinished:
            return seen
        _end(place, service, seen, seen.unfinished)
    raise _overtaken(place)


def _end(place: Place, service: Service, seen: Seen, begun: Deployed) -> bool:
    """Bring a switch to an end that is left half-way; False where somebody did that first, or it can't be done."""
    event = replace(begun, action=REFUSED) if begun.action == DEPLOY else begun
    status = switch(place, service, seen, event).status
    if status == LACKING:  # what was there before is lost: what is there now stays, as if a person had placed it
        tidy(place, service, seen.log, begun)
    if status == 0:
        tidy(place, service, seen.followed_by(event), event)
    return status == 0


def _outcome(place: Place, service: Service) -> Deployed:
    """What is in service after a call that was interrupted, and has come to its end now."""
    found = current(place, service)
    if found is None:
        raise DeploymentError(
            place.title,
            "a deployment that was interrupted is taken back; nothing is in service, as nothing was before it",
            "deploy an output",
        )
    return found


def _overtaken(place: Place) -> DeploymentError:
    return DeploymentError(place.title, "others switch there again and again", "run again when they are done")


def _refusal(place: Place, event: Deployed, end: End) -> DeploymentError:
    back = "what was in service before is there again" if event.was else "nothing is in service, as before"
    return DeploymentError(place.title, f"{event.name} is of no use: its check {end.told}; {back}", "deploy another")


def _nothing_before(place: Place, seen: Seen) -> DeploymentError:
    if seen.held.sha256 is None:
        return DeploymentError(place.title, "nothing is in service, and nothing was", "doit deploy an output first")
    known = seen.last if seen.last and seen.last.sha256 == seen.held.sha256 else None
    name = (known or history.placed(seen.held, place.learner)).name
    return DeploymentError(
        place.title, f"nothing was in service before {name}; nothing is changed", "deploy another output"
    )


def _lost(place: Place, target: Deployed) -> DeploymentError:
    remedy = f"doit deploy {target.output} brings it there anew" if target.output else "deploy an output"
    return DeploymentError(
        place.title, f"{target.name} was in service before, but is gone or damaged there; nothing is changed", remedy
    )
