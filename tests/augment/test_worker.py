"""Scripts in processes of their own: what they see, how they may end, and what is told of it."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from dlim.augment import worker
from dlim.augment.worker import Failure
from dlim.errors import AugmentError, ProjectError

Runs = Callable[..., Failure | None]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Where the script lies; its folder holds nothing else."""
    path = tmp_path / "data_augmentation/daug.py"
    path.parent.mkdir()
    return path


@pytest.fixture
def run(tmp_path: Path, script: Path) -> Runs:
    """Writes a script and runs it in the folder out; what it prints goes to the file log."""
    (tmp_path / "out").mkdir()

    def run(text: str, **environment: str) -> Failure | None:
        script.write_text(text, encoding="utf-8")
        return worker.run(script, ["button"], tmp_path / "out", environment, tmp_path / "log")

    return run


def log(script: Path) -> str:
    return (script.parents[1] / "log").read_text(encoding="utf-8")


# what a script sees

SEES = """
import json, os, sys
seen = {
    "name": __name__, "file": __file__, "argv": sys.argv, "cwd": os.getcwd(), "path": sys.path[0],
    "told": {key: value for key, value in os.environ.items() if key.startswith("DLIM_TEST")},
    "process": os.getpid(),
}
with open("seen.json", "w") as file:
    json.dump(seen, file)
"""


def test_a_script_runs_as_a_person_would_run_it(run: Runs, script: Path) -> None:
    """It is __main__, in the folder out, with its project's name, its own folder on the path, and what it is told."""
    assert run(SEES, DLIM_TEST_SEED="7", DLIM_TEST_WORD="あ b") is None
    out = script.parents[1] / "out"
    seen = json.loads((out / "seen.json").read_text())
    assert seen.pop("process") != os.getpid()
    assert seen == {
        "name": "__main__",
        "file": str(script),
        "argv": [str(script), "button"],
        "cwd": str(out),
        "path": str(script.parent),
        "told": {"DLIM_TEST_SEED": "7", "DLIM_TEST_WORD": "あ b"},
    }


def test_a_script_changes_nothing_for_the_next(run: Runs, script: Path) -> None:
    """What one script does to its process, to modules and to its variables, is gone in the next one."""
    assert run("import os, json; json.dumps = None; os.environ['DLIM_TEST_LEFT'] = 'x'", DLIM_TEST_SEED="7") is None
    assert run(SEES) is None
    seen = json.loads((script.parents[1] / "out/seen.json").read_text())
    assert seen["told"] == {}
    assert "DLIM_TEST_LEFT" not in os.environ


def test_heavy_imports_are_made_already(run: Runs, script: Path) -> None:
    """OpenCV is there when a script begins: a thousand projects pay for it once."""
    assert run("import sys; print('dlim.augment.api' in sys.modules, 'cv2' in sys.modules)") is None
    assert log(script) == "True True\n"


def test_modules_beside_a_script_are_found(run: Runs, script: Path) -> None:
    """A script imports a module beside it, and one in a folder beside it that imports its own neighbour."""
    (script.parent / "beside.py").write_text("WORD = 'beside'\n")
    (script.parent / "parts").mkdir()
    (script.parent / "parts/__init__.py").touch()
    (script.parent / "parts/one.py").write_text("from .two import WORD\n")
    (script.parent / "parts/two.py").write_text("WORD = 'relative'\n")
    assert run("import beside\nfrom parts import one\nprint(beside.WORD, one.WORD)\n") is None
    assert log(script) == "beside relative\n"


def test_each_script_has_its_own_neighbours(tmp_path: Path) -> None:
    """Modules of one name beside two scripts are two modules."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "beside.py").write_text(f"print('{name}')")
        (tmp_path / name / "daug.py").write_text("import beside")
        assert worker.run(tmp_path / name / "daug.py", [], tmp_path, {}, tmp_path / f"{name}.log") is None
    assert [(tmp_path / f"{name}.log").read_text() for name in ("one", "other")] == ["one\n", "other\n"]


def test_nothing_is_left_beside_a_script(tmp_path: Path, script: Path) -> None:
    """Running a script makes no __pycache__ in its folder, where Python would."""
    script.write_text("import beside")
    (script.parent / "beside.py").touch()
    running = (
        "from pathlib import Path; from dlim.augment import worker;"
        f"print(worker.run(Path({str(script)!r}), [], Path({str(tmp_path)!r}), {{}}, Path({str(tmp_path / 'log')!r})))"
    )
    caching = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", running], env=caching, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
    assert sorted(path.name for path in script.parent.iterdir()) == ["beside.py", "daug.py"]


def test_all_that_is_printed_goes_to_the_log(run: Runs, script: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Both streams, Japanese, and what a program that the script starts prints, in order; the terminal gets nothing."""
    text = (
        "import os, sys\nprint('いち')\nprint('two', file=sys.stderr)\nos.system('echo three')\nprint('four', end='')\n"
    )
    assert run(text) is None
    assert log(script) == "いち\ntwo\nthree\nfour"
    assert capfd.readouterr() == ("", "")


def test_a_log_is_of_one_run(run: Runs, script: Path) -> None:
    """What an earlier run printed is not in the log of the next."""
    assert run("print('a long line of the first run')") is None
    assert run("print('second')") is None
    assert log(script) == "second\n"


# how a script may end

GOOD = [
    pytest.param("", id="at the end of an empty file"),
    pytest.param("import sys; sys.exit()", id="by sys.exit()"),
    pytest.param("import sys; sys.exit(0)", id="by sys.exit(0)"),
    pytest.param("raise SystemExit", id="by SystemExit"),
    pytest.param("#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n'''あ'''", id="with a first line for a shell"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_script_that_ended_well(run: Runs, text: str) -> None:
    """Nothing is said of a script that ended as scripts end."""
    assert run(text) is None


BAD = [
    pytest.param(
        "x = 1\nraise ValueError('no  good\\nat all')", "daug.py line 2: ValueError: no good at all", id="raises"
    ),
    pytest.param("raise KeyError", "daug.py line 1: KeyError", id="raises without a word"),
    pytest.param("\n\n1 / 0", "daug.py line 3: ZeroDivisionError: division by zero", id="divides by zero"),
    pytest.param(
        "import json\njson.loads('')",
        "daug.py line 2: JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        id="fails in a library",
    ),
    pytest.param("x = (\n", "daug.py line 1: SyntaxError: '(' was never closed", id="is no Python"),
    pytest.param(
        "if x:\npass",
        "daug.py line 2: IndentationError: expected an indented block after 'if' statement on line 1",
        id="is indented wrongly",
    ),
    pytest.param(
        "import nosuch", "daug.py line 1: ModuleNotFoundError: No module named 'nosuch'", id="imports what isn't there"
    ),
    pytest.param("import sys; sys.exit(3)", "ended with status 3", id="exits with 3"),
    pytest.param("import sys; sys.exit('no corpus')", "ended: no corpus", id="exits with a word"),
    pytest.param("import os; os._exit(4)", "ended at once with status 4", id="exits at once"),
    pytest.param("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL", id="is killed"),
    pytest.param("import os; os.abort()", "was killed by SIGABRT", id="aborts"),
    pytest.param("raise KeyboardInterrupt", "daug.py line 1: KeyboardInterrupt", id="is interrupted"),
]


@pytest.mark.parametrize(("text", "failure"), BAD)
def test_a_script_that_did_not_end_well(run: Runs, text: str, failure: str) -> None:
    """How a script failed is told in a line, with the line of the script where there is one."""
    found = run(text)
    assert found is not None
    assert found.text == failure
    assert found.error is None


GOOD = [
    pytest.param("import os; os._exit(0)", id="exits at once with 0"),
    pytest.param("import os\nif os.fork() == 0: raise ValueError\nos.wait()", id="has a child that fails"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_script_that_ended_well_in_its_own_way(run: Runs, text: str) -> None:
    """A status of 0 is success, whatever a forked child thinks of it."""
    assert run(text) is None


def test_a_child_does_not_speak_for_the_script(run: Runs) -> None:
    """A script that fails has failed, though a child that it forked ended well before."""
    found = run("import os, sys\nif os.fork() == 0: sys.exit(0)\nos.wait()\nraise ValueError('parent')")
    assert found is not None
    assert found.text == "daug.py line 4: ValueError: parent"


def test_what_a_script_leaves_running_is_ended(run: Runs, script: Path) -> None:
    """A program that outlives its script writes nothing more."""
    late = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {!r}])\n"
    assert run(late.format("import time; time.sleep(1.5); open('late', 'w')")) is None
    time.sleep(2.5)
    assert not list(script.parent.parent.rglob("late"))


def test_what_a_script_draws_by_itself_is_the_same_each_time(run: Runs, script: Path) -> None:
    """random and numpy.random start from the workspace's seed, for a script that doesn't seed them."""
    text = "import random, numpy\nopen({!r}, 'w').write(f'{{random.random()}} {{numpy.random.rand()}}')\n"
    found = []
    for number in range(2):
        path = script.parent / f"drawn{number}"
        assert run(text.format(str(path))) is None
        found.append(path.read_text())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("beside", "failure"),
    [
        pytest.param("\n\nraise ValueError('x')", "beside.py line 3: ValueError: x", id="raises"),
        pytest.param("\nx = (", "beside.py line 2: SyntaxError: '(' was never closed", id="is no Python"),
    ],
)
def test_a_fault_in_a_module_beside(run: Runs, script: Path, beside: str, failure: str) -> None:
    """A fault in a module beside the script names that module and its line."""
    (script.parent / "beside.py").write_text(beside)
    found = run("import beside")
    assert found is not None
    assert found.text == failure


def test_a_traceback_is_in_the_log(run: Runs, script: Path) -> None:
    """The whole of Python's report, after what was printed, is kept for who wants to read it."""
    run("print('before')\nraise ValueError('x')")
    lines = log(script).splitlines()
    assert lines[0] == "before"
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: x"


def test_an_error_of_dlim_comes_as_it_is(run: Runs, script: Path) -> None:
    """An error that says its own way out keeps its kind, place and remedy, and makes no traceback."""
    found = run("from dlim.errors import ProjectError\nraise ProjectError('place', 'fault', 'remedy')")
    assert found is not None
    assert isinstance(found.error, ProjectError)
    assert not isinstance(found.error, AugmentError)
    assert str(found.error) == found.text == "place: fault; remedy"
    assert log(script) == ""


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    """A missing script is a failure, and no hang."""
    found = worker.run(tmp_path / "daug.py", [], tmp_path, {}, tmp_path / "log")
    assert found is not None
    assert found.text == f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path}/daug.py'"


# By hand, too, these fail there: a pool's processes begin anew, and not with what the script has done.
forks = pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python forks no pool from 3.14 on")

BY_HAND = [
    pytest.param(
        "from multiprocessing import Pool\n"
        "def f(n):\n"
        "    return n * n\n"
        "with Pool(2) as pool:\n"
        "    print(sum(pool.map(f, range(9))))\n",
        "204\n",
        id="a pool without a main guard",
        marks=forks,
    ),
    pytest.param(
        "from multiprocessing import Pool\n"
        "state = {}\n"
        "def f(n):\n"
        "    return state['a'] * n\n"
        "if __name__ == '__main__':\n"
        "    state['a'] = 3\n"
        "    with Pool(2) as p:\n"
        "        print(p.map(f, [1, 2]))\n",
        "[3, 6]\n",
        id="state under the guard",
        marks=forks,
    ),
    pytest.param(
        "import multiprocessing as m\n"
        "def f(n):\n"
        "    return n + 1\n"
        "if __name__ == '__main__':\n"
        "    m.set_start_method('spawn')\n"
        "    with m.Pool(1) as pool:\n"
        "        print(pool.map(f, [1, 2]))\n",
        "[2, 3]\n",
        id="a start method of its own",
    ),
    pytest.param(
        "import atexit, threading, time\n"
        "atexit.register(print, 'end')\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\n"
        "print('script')\n",
        "script\nthread\nend\n",
        id="what is left to the end",
    ),
    pytest.param(
        "import pickle, sys\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)\nprint(A.__module__)\n",
        "True\n__main__\n",
        id="what it pickles of itself",
    ),
    pytest.param(
        "import sys\nsys.excepthook = lambda *a: print('mine')\n1 / 0\n",
        "mine\n",
        id="a hook of its own",
    ),
    pytest.param(
        "import signal as s, sys\n"
        "print(repr(sys.stdin.read()), s.getsignal(s.SIGINT) is s.default_int_handler)\n"
        "print(s.getsignal(s.SIGTERM), s.getsignal(s.SIGCHLD))\n",
        "'' True\n0 0\n",
        id="streams and signals",
    ),
]


@pytest.mark.parametrize(("text", "printed"), BY_HAND)
def test_a_script_does_what_it_does_by_hand(run: Runs, script: Path, text: str, printed: str) -> None:
    """What Python does for a script that a person runs, it does for one that dlim runs: the same output and end."""
    found = run(text)
    assert log(script) == printed
    done = subprocess.run(
        [sys.executable, str(script)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode == 0) == (printed, found is None)


def test_a_long_error(run: Runs) -> None:
    """An error longer than a pipe holds is told, as far as one reads."""
    found = run("raise ValueError('x' * 66000)")
    assert found is not None
    assert found.text.startswith("daug.py line 1: ValueError: xxx")
    assert len(found.text) < 5000


def test_a_script_without_an_end(tmp_path: Path, script: Path) -> None:
    """After its time a script is ended with all that it has started, in whatever session."""
    script.write_text(
        "import os, pathlib, subprocess, time\nfound = subprocess.Popen(['setsid', 'sleep', '60'])\n"
        "pathlib.Path('pids').write_text(f'{os.getpid()} {found.pid}')\ntime.sleep(60)\n"
    )
    found = worker.run(script, [], tmp_path, {}, tmp_path / "log", limit=1)
    assert found == Failure("ran for longer than 1 s", endless=True)
    assert all(gone(int(process)) for process in (tmp_path / "pids").read_text().split())


def test_no_script_sees_a_password(run: Runs, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords aren't in a script's environment, and where one is printed all the same the log has stars."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", "hunter2+")
    found = run("import os\nx = 'hunter2+'\nprint([k for k in os.environ if 'PASSWORD' in k], x)\nraise ValueError(x)")
    assert found == Failure("daug.py line 4: ValueError: ***")
    assert log(script).splitlines()[0] == "[] ***"
    assert "hunter2+" not in log(script)


def test_a_password_of_a_file_is_hidden(run: Runs, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What config/servers.toml names as a password_file, a script can read, and print."""
    folder = script.parents[1]
    (folder / "config").mkdir()
    (folder / "config/servers.toml").write_text(f'[ssd]\nhost = "h"\npassword_file = "{folder}/secret"\n')
    (folder / "secret").write_text("hunter2+\n")
    monkeypatch.chdir(folder)
    found = run(f"x = open({str(folder / 'secret')!r}).read()\nprint('it is', x)\nraise ValueError(x)")
    assert found is not None
    assert "***" in found.text
    assert "hunter2" not in found.text + log(script)
    assert "it is ***" in log(script)


def test_what_a_link_in_the_place_of_a_log_leads_to_is_not_written_to(run: Runs, script: Path) -> None:
    folder = script.parents[1]
    (folder / "precious").write_text("mine")
    (folder / "log").symlink_to("precious")
    assert run("print('x')") is None
    assert (folder / "precious").read_text() == "mine"
    assert log(script) == "x\n"


def test_what_surrounds_a_script_is_the_same_everywhere(
    run: Runs, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes, time zone, locale and the mode of new files are not the caller's."""
    text = (
        "import os, time, locale as l\nprint(list({'red', 'green'}), time.tzname[0], l.getpreferredencoding())\n"
        "open('mode', 'w').close()\nprint(oct(os.stat('mode').st_mode))\n"
    )
    assert run(text) is None
    first = log(script)
    for name, value in {"PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "LC_ALL": "C"}.items():
        monkeypatch.setenv(name, value)
    kept = os.umask(0o077)
    try:
        assert run(text) is None
    finally:
        os.umask(kept)
    assert log(script) == first
    assert first.splitlines()[0].endswith("UTC UTF-8")


def test_folders_are_listed_by_name(run: Runs, script: Path) -> None:
    """However a script lists a folder, it finds the files by name, and not as the file system came by them."""
    for name in sorted("acegikmoqsuwybdfhjlnprtvxz", reverse=True):
        (script.parent / name).touch()
    text = (
        "import glob, os, pathlib\nhere = pathlib.Path(__file__).parent\n"
        "ways = [os.listdir(here), [entry.name for entry in os.scandir(here)], next(os.walk(here))[2],\n"
        "    [path.name for path in here.iterdir()], [path.name for path in here.glob('*')], os.listdir(bytes(here)),\n"
        "    [os.path.basename(name) for name in glob.glob(f'{here}/*')]]\n"
        "with os.scandir() as entries:\n    next(entries)\n"
        "print([way == sorted(way) for way in ways])"
    )
    (script.parents[1] / "out/a").touch()
    assert run(text) is None
    assert log(script) == f"{[True] * 7}\n"


def _twice(script: Path, folder: Path) -> tuple[Failure | None, bytes]:
    failure = worker.run(script, ["button"], folder, {"DLIM_SEED": "1"}, folder / "log")
    return failure, (folder / "log").read_bytes()


def test_a_script_runs_from_any_process(tmp_path: Path, script: Path) -> None:
    """Processes of a pool run scripts as this one does, each with a server of its own that ends with it."""
    script.write_text("import os, random\nprint(random.random(), os.getppid() > 1)")
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(_twice, [script] * 3, folders))
    assert found == [(None, _twice(script, tmp_path)[1])] * 3


def test_a_server_that_has_gone_is_started_again(run: Runs, script: Path) -> None:
    """Where the process that scripts are forked from was killed, another takes its place."""
    assert run("print('one')") is None
    assert worker._server is not None
    worker._server.process.kill()
    worker._server.process.wait()
    assert run("print('two')") is None
    assert log(script) == "two\n"


# while it runs


def test_the_caller_is_asked_while_a_script_runs(tmp_path: Path, script: Path) -> None:
    """on_tick is called again and again until the script ends, here until it has seen two calls."""
    script.write_text("import pathlib, time\nwhile not pathlib.Path('enough').exists():\n    time.sleep(0.01)\n")
    calls: list[float] = []

    def tick() -> None:
        calls.append(time.monotonic())
        if len(calls) == 2:
            (tmp_path / "enough").touch()

    assert worker.run(script, [], tmp_path, {}, tmp_path / "log", tick) is None
    assert len(calls) >= 2


def test_when_the_caller_gives_up_the_script_ends(tmp_path: Path, script: Path) -> None:
    """An error in the caller, such as Ctrl-C, leaves no script running on its own."""
    script.write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\n"
        "pathlib.Path('pid').rename('ready')\ntime.sleep(60)\n"
    )

    def tick() -> None:
        if (tmp_path / "ready").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run(script, [], tmp_path, {}, tmp_path / "log", tick)
    process = int((tmp_path / "ready").read_text())
    assert gone(process)


def gone(process: int) -> bool:
    """Whether a process has ended, within some seconds; one that nobody has waited for yet has ended too."""
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_two_scripts_at_once(tmp_path: Path) -> None:
    """Two scripts run side by side, each in its own folder: each waits for what the other does."""
    script = tmp_path / "daug.py"
    script.write_text(
        "import pathlib, sys, time\nmine, other = sys.argv[1:]\npathlib.Path(mine).touch()\n"
        "end = time.monotonic() + 30\n"
        "while not pathlib.Path('..', other, other).exists():\n"
        "    assert time.monotonic() < end\n    time.sleep(0.01)\n"
        "print(mine)\n"
    )
    results: dict[str, Failure | None] = {}

    def one(mine: str, other: str) -> None:
        (tmp_path / mine).mkdir()
        results[mine] = worker.run(script, [mine, other], tmp_path / mine, {}, tmp_path / f"{mine}.log")

    threads = [threading.Thread(target=one, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {"a": None, "b": None}
    assert [(tmp_path / f"{name}.log").read_text() for name in "ab"] == ["a\n", "b\n"]
