"""What can go wrong by a user's doing: each error names the place, the fault and the way out."""


class DlimError(Exception):
    """A fault that a user can mend.

    place: where it is, a path, a project or a setting.
    fault: what is wrong there.
    remedy: what to do about it.

    Its text is one line; whoever shows it adds nothing.
    """

    def __init__(self, place: object, fault: str, remedy: str) -> None:
        super().__init__(place, fault, remedy)
        self.place = str(place)
        self.fault = fault
        self.remedy = remedy

    def __str__(self) -> str:
        line = " ".join(f"{self.place}: {self.fault}; {self.remedy}".split())
        # what it quotes may be anybody's: no control character comes to a terminal, and none stays unseen
        return line if line.isprintable() else "".join(map(shown, line))

    def _render_traceback_(self) -> list[str]:
        """How a notebook shows it: the line, without the way that it came."""
        return [str(self)]


def shown(name: str) -> str:
    """A file's name as it can stand in a line: what can't be printed, such as a line's end, is escaped."""
    return name if name.isprintable() else ascii(name)[1:-1]


def unusable(error: OSError, place: object = None) -> str:
    """A line for what the operating system refuses: no right to read or write, a full disk.

    place: what it is about, where the error knows only a part of that.
    """
    return f"{place or error.filename or 'the workspace'}: {error.strerror or error}; see to that, and run again"


class ConfigError(DlimError):
    """A file under config/, or a project's project.toml, says what dlim can't follow."""


class ProjectError(DlimError):
    """A project lacks something, or holds what can't be used."""


class AnnotationError(DlimError):
    """A box file can't be read, or its boxes can't be placed."""


class AugmentError(DlimError):
    """A project's daug.py failed, or left what isn't a set of images."""


class DatasetError(DlimError):
    """Builds that can't be put together into one dataset."""


class WorkspaceError(DlimError):
    """The workspace as a whole: no such workspace, in use, its state unreadable."""


class TransportError(DlimError):
    """A server can't be worked with; the place is the server."""


class Unreachable(TransportError):  # noqa: N818 - it may be no error: what runs there goes on
    """There is no link to a server, or it broke: what runs there goes on. Trying again may help."""


class HostKeyError(TransportError):
    """A server's host key is unknown, or not the one that was recorded."""


class LoginError(TransportError):
    """A server refuses the user, the key or the password."""


class CommandError(TransportError):
    """A command on a server failed: a full disk, a missing program, a right that is lacking."""


class LearningError(DlimError):
    """A learning task that can't begin, failed, was lost, or left nothing of use."""


class OutputError(DlimError):
    """An output that isn't there, is damaged, or can't be deleted."""


class DeploymentError(DlimError):
    """A weight that can't be put into service, or taken out of it."""
