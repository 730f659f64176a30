"""What there is to type: `doit help`, and the completion of commands and tasks in bash and zsh."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from doit.cmd_base import DoitCmdBase
from doit.cmd_help import Help as DoitHelp
from doit.cmdparse import CmdOption, DefaultUpdate
from doit.doit_cmd import DoitMain
from doit.task import Task

from dlim.build.ending import told
from dlim.build.options import Understood
from dlim.commands.base import Command, Option, option
from dlim.errors import ConfigError, DlimError
from dlim.names import nearest
from dlim.shots import SHOTS, SUFFIXES
from dlim.workspace import Workspace

HEAD = "dlim makes training data of a few master images, with doit: only what changed is made again, and it says why."

WORK = (
    ("new NAME --image FILE", "begin a project: the image is its master, or what --box cuts out of it"),
    ("label:NAME", "draw its boxes in the browser; label alone: all that have none"),
    ("preview:NAME", "a sheet of its images, with the boxes and what was drawn"),
    ("shots", "screenshots by which weights are judged; label:shots draws their boxes"),
    ("mix", "what each dataset consists of, before anything runs"),
    ("list", "every task with its status, age and size, and why it would run"),
    ("why TASK", "all that it would run for, down to the file; plan: what would run, in order"),
    ("dataset", "everything, to an archive for each learner; build:NAME for one project"),
    ("verify", "read all that was built, and find what was damaged"),
    ("report", "one HTML page of all of it"),
    ("servers", "whether they can be worked with; trust, config:push, label:push, label:pull"),
    ("task:LEARNER", "dataset, ship, learn, test, bring back; cancel:LEARNER ends it"),
    ("outputs", "what learning brought back; output NAME, output:rm NAME; baseline: the least it must do"),
    ("trace NAME", "which masters, boxes, scripts and settings a weight came from"),
    ("deploy NAME", "put its weights into service; undeploy takes them out again"),
    ("clean", "remove what was built; what people made stays"),
)
"""What one types, in the order of the work, and what it does."""

MORE = (
    "{bin} help WORD shows the options of a command or a task.",
    "Options of a run, and all else: https://pydoit.org",
)

PROJECTS = ("extend", "build", "label", "preview")
LEARNERS = ("dataset", "ship", "task")
"""Tasks that people type: those of a project, and those of a learner, whose name stands behind the colon."""

OF_LEARNERS = ("mix", "baseline", "cancel")
OF_SERVERS = ("trust",)
"""Commands that may be for one learner, or for one server, in the same way."""

TAKE_TASKS = ("run", "list", "why", "plan", "clean", "forget", "ignore", "info", "reset-dep", "strace")


class Help(Understood, DoitHelp):  # type: ignore[misc]
    """`doit help`: what there is, in the order of the work; `doit help WORD`: of a command or task."""

    name = "help"
    doc_purpose = "what there is to type, and the options of each"
    doc_usage = "[TASK] [COMMAND]"

    bin_name: str
    task_list: list[Task]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.bin_name[:1].isalpha():  # python -m doit
            self.bin_name = "doit"

    def execute(self, params: Mapping[str, Any], args: Sequence[str]) -> int:
        return told(lambda: self._answer(params, list(args)))

    def _answer(self, params: Mapping[str, Any], words: list[str]) -> int:
        if not words:
            print("\n".join(self.overview()))
            return 0
        if len(words) > 1:
            raise ConfigError("help", f'takes no "{words[1]}" as well', "ask for one thing")
        word = words[0]
        command, colon, _ = word.partition(":")
        if word in self.cmds or (colon and getattr(self.cmds.get(command), "of", None) is not None):
            print("\n".join(self._of_command(self.cmds[word if word in self.cmds else command])))
            return 0
        lines = _of_task(word) or self._of_another(params, word)
        if not lines:
            near = nearest(word, [*self.cmds, *PROJECTS, *LEARNERS])
            remedy = near if near.startswith("did you") else f"{self.bin_name} help shows what there is"
            raise ConfigError("doit", f'"{word}" is no command and no task', remedy)
        print("\n".join(lines))
        return 0

    def overview(self) -> Iterator[str]:
        """What there is: first the work, then what is doit's own."""
        width = max(len(typed) for typed, _ in WORK)
        yield from (HEAD, "")
        yield from (f"  {self.bin_name} {typed:{width}}  {text}" for typed, text in WORK)
        yield from ("", "doit's own:", "")
        told_of = {typed.partition(" ")[0] for typed, _ in WORK}
        own = sorted({each.get_name() for each in DoitMain.DOIT_CMDS} - told_of)
        yield from (f"  {self.bin_name} {name:{width}}  {self.cmds[name].doc_purpose}" for name in own)
        yield ""
        yield from (line.format(bin=self.bin_name) for line in MORE)

    def _of_command(self, command: Any) -> list[str]:
        if not issubclass(command, Command):
            return str(command(cmds=self._cmds, **self.init_kwargs).help()).splitlines()
        typed = f"{command.name} {command.doc_usage}".rstrip()
        lines = _lines(typed, command.doc_purpose, [CmdOption(each) for each in command.options])
        return [*lines, "  -f, -d, -k, where the workspace is, as for doit run"]

    def _of_another(self, params: Mapping[str, Any], word: str) -> list[str]:
        """Help of a task that someone else put into dodo.py."""
        self._lines: list[str] = []
        DoitCmdBase.execute(self, params, [word])
        return self._lines

    def _execute(self, pos_args: Sequence[str]) -> bool:
        for task in self.task_list:
            if task.name == pos_args[0]:
                options = [CmdOption(each) for each in (*task.creator_params, *task.params)]
                self._lines = _lines(task.name, task.doc, options)
        return bool(self._lines)

    _execute.__signature__ = inspect.signature(DoitHelp._execute)  # type: ignore[attr-defined]


def _of_task(word: str) -> list[str]:
    """Help of a task of dlim's; nothing where it is none of this workspace's."""
    from dlim.build.tasks import Tasks

    kind = word.partition(":")[0]
    maker = getattr(Tasks(wanted=frozenset({word})), kind, None) if kind in _kinds() else None
    for row in maker() if maker and Path("dodo.py").exists() else ():
        name = ":".join(each for each in (row.get("basename", kind), row.get("name")) if each)
        if name == word:
            return _lines(name, row.get("doc", ""), [CmdOption(each) for each in row.get("params", ())])
    return []


def _kinds() -> tuple[str, ...]:
    return (*PROJECTS, *LEARNERS)


def _lines(name: str, doc: str, options: Sequence[CmdOption]) -> list[str]:
    """What a task or a command does, and its options."""
    typed = [(_dashed(each), each.help % {"default": each.default}) for each in options if each.long or each.short]
    width = max((len(left) for left, _ in typed), default=0)
    return [f"{name}: {doc}", *(f"  {left:{width}}  {text}".rstrip() for left, text in typed)]


def _dashed(each: CmdOption) -> str:
    names = [f"-{each.short}"] * bool(each.short) + [f"--{each.long}"] * bool(each.long)
    return ", ".join(names) + (" ..." if each.type is not bool else "")


BASH = r"""# Completion of doit and dlim in bash: put this line into ~/.bashrc
#     . <(doit tabcompletion)
_dlim() {
    local line=${COMP_LINE:0:COMP_POINT} current before
    current=${line##*[[:space:]]}
    before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $before in
        FILES)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return ;;
    esac
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" tabcompletion --complete "$line" 2>/dev/null)
    # a colon ends a word in bash: what stands before it is there already
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
    fi
}
complete -F _dlim doit dlim
"""

ZSH = r"""#compdef doit dlim
# Completion of doit and dlim in zsh: put this line into ~/.zshrc, after compinit
#     . <(doit tabcompletion --shell zsh)
_dlim() {
    case ${words[CURRENT - 1]} in
        FILES) _files; return ;;
    esac
    local -a names
    names=(${(f)"$("${words[1]}" tabcompletion --complete "${(j: :)words[1,CURRENT]}" 2>/dev/null)"})
    compadd -a names
}
if [[ ${funcstack[1]} == _dlim ]]; then _dlim "$@"; else compdef _dlim doit dlim; fi
"""

FILES = "init|-f|-d|--file|--dir|--image|--from-folder|--weight|-o|--output-file"
"""Behind these a file's name stands: there the shell completes files."""

SCRIPTS = {"bash": BASH.replace("FILES", FILES), "zsh": ZSH.replace("FILES", FILES)}


class TabCompletion(Command):
    """`doit tabcompletion`: a script with which bash or zsh complete commands and tasks, and nothing else."""

    name = "tabcompletion"
    doc_purpose = "a script that lets bash or zsh complete commands and tasks: . <(doit tabcompletion)"
    options: ClassVar[Sequence[Option]] = (
        {"name": "shell", "short": "s", "long": "shell", "type": str, "default": "bash", "help": "bash or zsh"},
        option("complete", "what may stand at the end of this line; it is what the scripts ask"),
    )

    def __init__(self, cmds: Mapping[str, object] | None = None, **kwargs: Any) -> None:
        super().__init__(cmds=cmds, **kwargs)
        self._commands = sorted(cmds or ())

    def execute(self, params: DefaultUpdate, args: Sequence[str]) -> int:
        """Unlike other commands it is of use where no workspace is."""
        self._parted(params, args)
        return told(lambda: self._script(params["shell"], params["complete"]))

    def _script(self, shell: str, line: str) -> int:
        if shell not in SCRIPTS:
            raise ConfigError("--shell", f'"{shell}" has no script', f"say one of: {', '.join(SCRIPTS)}")
        print(
            "\n".join(completed(line, self._commands, Workspace())) if line else SCRIPTS[shell], end="\n" * bool(line)
        )
        return 0


def completed(line: str, commands: Sequence[str], workspace: Workspace) -> list[str]:
    """The commands and tasks that may stand at the end of a line, whose last word is typed in part."""
    *typed, current = re.split(r"\s+", line.lstrip())
    words = [word for word in typed[1:] if not word.startswith("-")]
    first = words[0] if words else ""
    here = [name for name in commands if not name.startswith("-")] if first in ("", "help") else []
    if not first and typed and Path(typed[0]).name == "dlim":
        here.append("init")
    if first in ("", "help", *TAKE_TASKS) or first not in commands:
        kind, colon, _ = current.partition(":")
        here += [*_tasks(kind, workspace)] if colon or current in _kinds() else []
        here += _kinds()
    return sorted({name for name in here if name.startswith(current)})


def _tasks(kind: str, workspace: Workspace) -> Iterator[str]:
    """The names of one kind with something behind the colon; none where there is no workspace."""
    if not Path("dodo.py").exists():
        return
    with suppress(DlimError, OSError):
        if kind in PROJECTS:
            yield from (f"{kind}:{title}" for title, _ in workspace.everything())
        if kind == "label" and SHOTS.is_dir():
            found = sorted({path.stem for path in SHOTS.iterdir() if path.suffix in SUFFIXES})
            yield from ("label:shots", *(f"label:{SHOTS}/{name}" for name in found))
        if kind in (*LEARNERS, *OF_LEARNERS):
            yield from (f"{kind}:{name}" for name in workspace.config.learners)
        if kind in OF_SERVERS:
            yield from (f"{kind}:{name}" for name in workspace.config.servers)
