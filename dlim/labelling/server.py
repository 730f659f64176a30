"""The labelling page, served on loopback until the person says that it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dlim.errors import WorkspaceError
from dlim.geometry import Size
from dlim.labelling import box_file, browser
from dlim.labelling.drawing import Drawing
from dlim.labelling.handler import Handler
from dlim.labelling.listener import Listener
from dlim.projects import Project
from dlim.shots import Shot


def serve(
    project: Project | Shot,
    labels: Sequence[str],
    canvas: Size,
    *,
    port: int = 0,
    open_browser: bool = True,
    say: Callable[[str], None],
) -> None:
    """Let a person draw the boxes of a project, or of a shot, in a browser, until the page's "Done" is pressed.

    labels: what the page offers. canvas: the labelling canvas. port: 0 for a free one. say: gets the address, and
    a line for each save. Raises ProjectError or AnnotationError where there is nothing to draw on or the box file
    can't be read, WorkspaceError where the port can't be had, and lets KeyboardInterrupt through; no save is cut off.
    """
    on = box_file.of_shot(project) if isinstance(project, Shot) else box_file.extended(project, canvas)
    box_file.require_image(on)
    drawing = Drawing(on, labels)
    drawing.known()
    with _served(drawing, port, say) as server:
        say(f"{project.name}: label it at {server.address}  (Ctrl-C ends)")
        if open_browser:
            browser.show(server.opening)
        # on this thread, which looks up now and then: a signal that comes to another one doesn't wake it
        server.serve_forever(poll_interval=0.1)


@contextmanager
def _served(drawing: Drawing, port: int, say: Callable[[str], None]) -> Iterator[Listener]:
    """A server that listens until the block ends, but is not ended in the middle of a save."""
    try:
        server = Listener(drawing, Handler, port, say)
    except (OSError, OverflowError) as error:
        fault = f"can't be had ({getattr(error, 'strerror', None) or error})"
        raise WorkspaceError(f"port {port}", fault, "choose another, or 0 for a free one") from error
    try:
        yield server
    finally:
        server.server_close()
        drawing.lock.acquire()  # and kept: a save that has begun ends, and none begins any more
