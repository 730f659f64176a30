"""config/: what it says, and what a person is told who wrote something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim import config
from dlim.config import Augment, Learner, ProjectSettings, Server, Settings, Split
from dlim.errors import ConfigError
from dlim.formats import FORMATS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config/ folder with one learner."""
    (tmp_path / "learners").mkdir()
    (tmp_path / "learners/ssd.toml").write_text("canvas = [400, 400]\n")
    return tmp_path


def told(folder: Path) -> str:
    """What a person is told of a folder that can't be followed: one line."""
    with pytest.raises(ConfigError) as caught:
        config.load(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_is_not_written_has_its_default(folder: Path) -> None:
    """Without dlim.toml, and with a learner's canvas alone, everything else is as documented."""
    made = config.load(folder)
    assert made.settings == Settings(
        seed=1, labelling_canvas=(400, 400), split=Split(train_percent=80, by="image"), augment=Augment(99, 125)
    )
    assert made.learners == {
        "ssd": Learner((400, 400), "projects", ("*",), (), {}, boxes="follow", format="voc", class_lists=True)
    }


def test_all_that_can_be_written(folder: Path) -> None:
    """Every key of both files is read as it stands."""
    (folder / "dlim.toml").write_text(
        "seed = 7\nlabelling_canvas = [500, 300]\n"
        '[split]\ntrain_percent = 99\nby = "master"\n[augment]\ncount = 1\ncval = 0\n'
    )
    (folder / "learners/ssd.toml").write_text(
        'canvas = "native"\nprojects = "other_projects"\ninclude = ["a*", "b"]\nexclude = ["ab"]\n'
        'boxes = "master"\nformat = "voc"\nclass_lists = false\n[labels]\n"x_*" = "x"\n'
    )
    made = config.load(folder)
    assert made.settings == Settings(7, (500, 300), Split(99, "master"), Augment(1, 0))
    assert made.learners["ssd"] == Learner(
        "native", "other_projects", ("a*", "b"), ("ab",), {"x_*": "x"}, "master", "voc", class_lists=False
    )


def test_the_committed_files_are_good() -> None:
    """The configuration that a fresh checkout has can be followed."""
    assert set(config.load(ROOT / "config").learners) >= {"resnet34", "ssd"}


def test_learners_are_sorted_by_name(folder: Path) -> None:
    """Learners come in one order on every machine, and only .toml files are learners."""
    for name in ("b.toml", "a.toml", "notes.txt"):
        (folder / "learners" / name).write_text('canvas = "native"\n')
    assert list(config.load(folder).learners) == ["a", "b", "ssd"]


SETTINGS = [
    pytest.param("sed = 1", 'sed: is no key here; did you mean "seed"?', id="a key, misspelt"),
    pytest.param(
        "zzz = 1", "zzz: is no key here; say one of: augment, labelling_canvas, seed, split", id="a key like no other"
    ),
    pytest.param(
        "[split]\ntrain_precent = 70",
        'split.train_precent: is no key here; did you mean "train_percent"?',
        id="a key in a table",
    ),
    pytest.param("[splt]\nby = 1", 'splt: is no key here; did you mean "split"?', id="a table, misspelt"),
    pytest.param('seed = "1"', 'seed: is "1"; write a whole number, without quotes', id="text for a number"),
    pytest.param("seed = 1.5", "seed: is 1.5; write a whole number", id="a fraction"),
    pytest.param("seed = true", "seed: is true; write a whole number", id="a truth for a number"),
    pytest.param("split = 80", "split: is 80; write a table, [split]", id="a number for a table"),
    pytest.param(
        "labelling_canvas = [400]",
        "labelling_canvas: is [400]; say [400, 400] (each 1 to 65500)",
        id="half a size",
    ),
    pytest.param(
        "labelling_canvas = [400, 0]", "labelling_canvas: is [400, 0]; say [400, 400] (each 1 to 65500)", id="no height"
    ),
    pytest.param(
        "labelling_canvas = [65501, 9]",
        "labelling_canvas: is [65501, 9]; say [400, 400] (each 1 to 65500)",
        id="wider than a JPEG can be",
    ),
    pytest.param("[split]\ntrain_percent = 0", "split.train_percent: is 0; say 1 to 99", id="no train"),
    pytest.param("[split]\ntrain_percent = 100", "split.train_percent: is 100; say 1 to 99", id="no val"),
    pytest.param('[split]\nby = "imgae"', 'split.by: "imgae" is unknown; did you mean "image"?', id="a word, misspelt"),
    pytest.param(
        '[split]\nby = "it\'s"', 'split.by: "it\'s" is unknown; say "image" or "master"', id="a word like no other"
    ),
    pytest.param("[split]\nby = 3", 'split.by: is 3; say "image" or "master"', id="a number for a word"),
    pytest.param("[augment]\ncount = 0", "augment.count: is 0; say 1 or more", id="no images"),
    pytest.param("[augment]\ncval = 256", "augment.cval: is 256; say 0 to 255", id="over white"),
    pytest.param("[augment]\ncval = -1", "augment.cval: is -1; say 0 to 255", id="under black"),
    pytest.param(
        "seed =", "is no TOML: Invalid value (at end of document); mend it at that place", id="TOML without a value"
    ),
    pytest.param(
        "seed = 1\nthree four\n",
        "is no TOML: Expected '=' after a key in a key/value pair (at line 2, column 7); mend it at that place",
        id="a line that is no TOML",
    ),
    pytest.param(
        "seed = 1\nseed = 2\n",
        "is no TOML: Cannot overwrite a value (at line 2, column 9); mend it at that place",
        id="a key twice",
    ),
]


@pytest.mark.parametrize(("text", "fault"), SETTINGS)
def test_what_dlim_toml_may_not_say(folder: Path, text: str, fault: str) -> None:
    """A fault in dlim.toml is one line with the file, the key, and what to do."""
    (folder / "dlim.toml").write_text(text)
    assert told(folder) == f"{folder}/dlim.toml: {fault}"


SCENE = "canvas = [400, 400]\n[scene]\n"
NATIVE = 'canvas = "native"\n'

LEARNERS = [
    pytest.param("", 'canvas: is missing; say canvas = [400, 400] (each 1 to 65500), or "native"', id="no canvas"),
    pytest.param(
        'canvas = "natve"', 'canvas: "natve" is unknown; did you mean "native"?', id="a canvas by a misspelt word"
    ),
    pytest.param(
        "canvas = 400", 'canvas: is 400; say [400, 400] (each 1 to 65500), or "native"', id="a canvas of one number"
    ),
    pytest.param(
        'canvas = ["400", 400]',
        'canvas: is ["400", 400]; say [400, 400] (each 1 to 65500), or "native"',
        id="a canvas of text",
    ),
    pytest.param(
        NATIVE + "clas_lists = true",
        'clas_lists: is no key here; did you mean "class_lists"?',
        id="a key, misspelt",
    ),
    pytest.param(
        NATIVE + 'include = "close"', 'include: is "close"; write a list, such as ["close"]', id="a word for a list"
    ),
    pytest.param(
        NATIVE + 'include = ["a", 1]', 'include[1]: is 1; write a text in quotes, such as "1"', id="a number in a list"
    ),
    pytest.param(NATIVE + "class_lists = 1", "class_lists: is 1; say true or false", id="1 for true"),
    pytest.param(NATIVE + 'boxes = "folow"', 'boxes: "folow" is unknown; did you mean "follow"?', id="boxes, misspelt"),
    pytest.param(NATIVE + 'format = "vok"', 'format: "vok" is unknown; did you mean "voc"?', id="a format, misspelt"),
    pytest.param(
        NATIVE + 'format = "yolo"', 'format: "yolo" is unknown; say one of: voc', id="a format that there isn't"
    ),
    pytest.param(
        NATIVE + '[labels]\n"closebcow" = "Close"',
        'labels: "closebcow" maps to "Close", which is no label; use a-z, 0-9, _ and - only',
        id="a label in upper case",
    ),
    pytest.param(
        NATIVE + '[labels]\na = ""',
        'labels: "a" maps to "", which is no label; use a-z, 0-9, _ and - only',
        id="a label of nothing",
    ),
    pytest.param(
        NATIVE + "[labels]\na = 1", 'labels.a: is 1; write a text in quotes, such as "1"', id="a number for a label"
    ),
    pytest.param(
        NATIVE + "[limit]\nja_char = 99",
        "limit.ja_char: is no key here; say one of: labels, projects",
        id="a limit of who knows what",
    ),
    pytest.param(
        NATIVE + "[limit.project]\nja_char = 99",
        'limit.project: is no key here; did you mean "projects"?',
        id="a limit, misspelt",
    ),
    pytest.param(
        NATIVE + "[limit.projects]\na = 5\nja_char = 0",
        'limit.projects: "ja_char" is 0; say 1 or more; exclude leaves whole projects out',
        id="a limit of nothing",
    ),
    pytest.param(
        NATIVE + "[limit.labels]\nclose = -1",
        'limit.labels: "close" is -1; say 1 or more; exclude leaves whole projects out',
        id="a limit below nothing",
    ),
    pytest.param(
        NATIVE + '[limit.labels]\nclose = "500"',
        'limit.labels.close: is "500"; write a whole number, without quotes',
        id="a limit of text",
    ),
    pytest.param(
        NATIVE + '[limit.projects]\na = 1\nja_char = "99"\nz = 1',
        'limit.projects.ja_char: is "99"; write a whole number, without quotes',
        id="one limit of several",
    ),
    pytest.param(NATIVE + "boxes = 3", 'boxes: is 3; say "follow" or "master"', id="a number for a word"),
    pytest.param(NATIVE + 'exclude = "old"', 'exclude: is "old"; write a list, such as ["old"]', id="a name"),
    pytest.param(
        NATIVE + "[scene]",
        "scene: has no size on the canvas native; say canvas = [400, 400], or take [scene] out",
        id="a scene of no size",
    ),
    pytest.param(
        SCENE + "scales = [1, 2]", 'scene.scales: is no key here; did you mean "scale"?', id="a key of scenes, misspelt"
    ),
    pytest.param(
        SCENE + "scale = [2, 1]", "scene.scale: is from 2 to 1; say the lower number first", id="a scale turned round"
    ),
    pytest.param(SCENE + "scale = 1.5", "scene.scale: is 1.5; say [1, 2] (each 0.05 to 20)", id="one scale"),
    pytest.param(SCENE + "objects = [0, 2]", "scene.objects: is [0, 2]; say [1, 2] (each 1 or more)", id="no object"),
    pytest.param(SCENE + "drawn = 50", "scene.drawn: is 50; say 0 to 1", id="a share in percent"),
    pytest.param(
        SCENE + 'blend = ["soft"]', 'scene.blend[0]: "soft" is unknown; say "feather" or "hard"', id="an unknown blend"
    ),
    pytest.param(SCENE + "blend = []", 'scene.blend: names none; say blend = ["hard", "feather"]', id="no blend"),
    pytest.param(
        SCENE + 'position = "corner"',
        'scene.position: "corner" is unknown; say "anywhere" or "placement" or "shots"',
        id="an unknown position",
    ),
    pytest.param(
        SCENE + "empty = 0.2",
        "scene.empty: readers of voc fail on an image without an object; say empty = 0",
        id="empty scenes only",
    ),
    pytest.param(
        NATIVE + '[learning]\npredict = "python3 predict.py"',
        'learning.predictions: is missing; name the file that predict leaves, "results/predictions.json"',
        id="predictions that go nowhere",
    ),
    pytest.param(
        NATIVE + '[learning]\npredictions = "results/found.json"',
        "learning.predict: is missing; say there what the server runs to find it",
        id="predictions that nothing makes",
    ),
    pytest.param(NATIVE + "limit = 99", "limit: is 99; write a table, [limit]", id="a limit of all"),
]


@pytest.mark.parametrize(("text", "fault"), LEARNERS)
def test_what_a_learners_file_may_not_say(folder: Path, text: str, fault: str) -> None:
    """A fault in a learner's file is one line with the file, the key, and what to do."""
    (folder / "learners/ssd.toml").write_text(text)
    assert told(folder) == f"{folder}/learners/ssd.toml: {fault}"


PROJECTS = [
    pytest.param("lable = 'a'", 'lable: is no key here; did you mean "label"?', id="a key, misspelt"),
    pytest.param("generator = 1", "generator: is 1; say true or false", id="1 for true"),
    pytest.param("label = 3", 'label: is 3; write a text in quotes, such as "3"', id="a number for a label"),
    pytest.param(
        'label = "A B"', 'label: "A B" is no label; use at most 40 of a-z, 0-9, _ and -', id="no label, by a space"
    ),
    pytest.param("label = ''", 'label: "" is no label; use at most 40 of a-z, 0-9, _ and -', id="no label, by nothing"),
    pytest.param(
        f"label = '{'a' * 41}'",
        f'label: "{"a" * 40}" is no label; use at most 40 of a-z, 0-9, _ and -',
        id="no label, by its length",
    ),
    pytest.param(
        "placement = 'right-uper'",
        'placement: "right-uper" is unknown; did you mean "right-upper"?',
        id="a placement, misspelt",
    ),
    pytest.param(
        "placement = '?'",
        'placement: "?" is unknown; say one of: centre, left-lower, left-upper, right-lower, right-upper',
        id="a placement like no other",
    ),
]


@pytest.mark.parametrize(("text", "fault"), PROJECTS)
def test_what_project_toml_may_not_say(tmp_path: Path, text: str, fault: str) -> None:
    """A fault in a project's file is one line with the file, the key, and what to do."""
    path = tmp_path / "project.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.project_settings(path)
    assert str(caught.value) == f"{path}: {fault}"


def test_a_project_needs_no_file(tmp_path: Path) -> None:
    """Without project.toml a project has the defaults; with it, what it says."""
    path = tmp_path / "project.toml"
    assert config.project_settings(path) == ProjectSettings(None, "left-upper", generator=False)
    path.write_text('label = "close"\nplacement = "centre"\ngenerator = true\n')
    assert config.project_settings(path) == ProjectSettings("close", "centre", generator=True)


def test_text_in_another_encoding(folder: Path) -> None:
    """A file that isn't UTF-8 is named as no TOML."""
    (folder / "dlim.toml").write_bytes("# 日本語\n".encode("shift-jis"))
    text = told(folder)
    assert text.startswith(f"{folder}/dlim.toml: is no TOML: 'utf-8' codec can't decode byte 0x93 in position 2")
    assert text.endswith("; mend it at that place")


@pytest.mark.parametrize("name", ["SSD", "my ssd", "ssd.old"])
def test_what_a_learner_may_not_be_called(folder: Path, name: str) -> None:
    """A learner's name goes into task names and paths, and is refused where it can't."""
    path = folder / f"learners/{name}.toml"
    path.write_text(NATIVE)
    assert told(folder) == f"{path}: is no name for a learner; name it with a-z, 0-9, _ and - only"


def test_a_workspace_without_a_learner(tmp_path: Path) -> None:
    """Without a learner there is nothing to build for, and that is said."""
    assert told(tmp_path) == f"{tmp_path}/learners: holds no learner; write one there, such as ssd.toml"


@pytest.mark.parametrize(
    ("include", "exclude", "taken"),
    [
        pytest.param(("*",), (), {"close", "close_b", "skip"}, id="all"),
        pytest.param(("close*",), (), {"close", "close_b"}, id="a pattern"),
        pytest.param(("close", "skip"), (), {"close", "skip"}, id="names"),
        pytest.param(("*",), ("close_?",), {"close", "skip"}, id="all but a pattern"),
        pytest.param(("close",), ("*",), set(), id="what is excluded is out, whatever includes it"),
        pytest.param(("Close",), (), set(), id="case counts"),
    ],
)
def test_which_projects_a_learner_takes(include: tuple[str, ...], exclude: tuple[str, ...], taken: set[str]) -> None:
    """A learner takes what is included and not excluded."""
    learner = Learner("native", include=include, exclude=exclude)
    assert {name for name in ("close", "close_b", "skip") if learner.takes(name)} == taken


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        pytest.param("close", 9, id="its own entry"),
        pytest.param("close_b", 20, id="its own entry before a pattern that stands first"),
        pytest.param("close_c", 10, id="the first pattern"),
        pytest.param("skip", None, id="none"),
        pytest.param("Close", None, id="case counts"),
    ],
)
def test_limits(folder: Path, name: str, limit: int | None) -> None:
    """A name's own limit counts before any pattern, then the first pattern that fits; else it has none."""
    table = '"close_*" = 10\nclose = 9\nclose_b = 20\n"clos*" = 5\n'
    (folder / "learners/ssd.toml").write_text(f"{NATIVE}[limit.projects]\n{table}[limit.labels]\n{table}x = 1\n")
    found = config.load(folder).learners["ssd"].limit
    assert (found.of_project(name), found.of_label(name)) == (limit, limit)
    assert (found.of_project("x"), found.of_label("x")) == (None, 1)


def test_every_format_has_its_module() -> None:
    """The formats that a learner may name are those that dlim has."""
    assert set(config.FORMATS) == set(FORMATS)


def test_no_servers(folder: Path) -> None:
    """Without servers.toml, or with an empty one, no server is named."""
    assert config.load(folder).servers == {}
    (folder / "servers.toml").touch()
    assert config.load(folder).servers == {}


def test_all_that_can_be_said_of_a_server(folder: Path) -> None:
    """Every key is read as it stands, and servers come sorted; one may have none at all."""
    (folder / "servers.toml").write_text(
        '[ssd]\nhost = "box"\nuser = "me"\nport = 2200\nhome = "~/ssd"\nidentity_file = ".ssh/key"\n'
        'password_file = "/secret"\n[label-2]\n[here]\nhome = "/srv"\n'
    )
    made = config.load(folder).servers
    assert list(made) == ["here", "label-2", "ssd"]
    assert made["ssd"] == Server("box", "me", 2200, "~/ssd", ".ssh/key", "/secret")
    assert made["label-2"] == Server()
    assert made["here"] == Server(home="/srv")


def test_the_sample_of_servers_is_good() -> None:
    """What a person copies can be followed."""
    assert set(config.servers(ROOT / "config/servers.sample.toml")) == {"imglabeling", "resnet34", "ssd"}


SECRET = "set DLIM_PASSWORD_SSD, or name a file that only you can read as password_file"

SERVERS = [
    pytest.param('host = "box"', "host: is no table; begin with the name of a server, such as [ssd]", id="no name"),
    pytest.param("[[ssd]]", "ssd: is no table; begin with the name of a server, such as [ssd]", id="a list"),
    pytest.param("[SSD]", '"SSD" is no name for a server; name it with a-z, 0-9, _ and - only', id="an odd name"),
    pytest.param("[ssd]\nhots = 1", 'ssd.hots: is no key here; did you mean "host"?', id="a key, misspelt"),
    pytest.param('[ssd]\npassword = "x"', f"ssd.password: passwords don't belong here; {SECRET}", id="a password"),
    pytest.param('[ssd]\nPASSPHRASE = "x"', f"ssd.PASSPHRASE: passwords don't belong here; {SECRET}", id="a phrase"),
    pytest.param('[ssd]\napi_token = "x"', f"ssd.api_token: passwords don't belong here; {SECRET}", id="a token"),
    pytest.param(
        '[ssd]\nhost = "box"\nport = "22"',
        'ssd.port: is "22"; write a whole number, 1 to 65535, without quotes',
        id="a text",
    ),
    pytest.param('[ssd]\nhost = "box"\nport = 65536', "ssd.port: is 65536; say 1 to 65535", id="no port"),
    pytest.param(
        '[ssd]\nuser = "me"', "ssd: has a user and no host; write its host, or take user out", id="a user alone"
    ),
    pytest.param(
        '[ssd]\npassword_file = "x"',
        "ssd: has a password_file and no host; write its host, or take password_file out",
        id="a password's file alone",
    ),
    pytest.param(
        '[ssd]\nhost = "me@box"',
        "ssd: host: is more than a host; write user and port as keys of their own",
        id="user and host",
    ),
    pytest.param(
        '[ssd]\nhost = "box:22"',
        "ssd: host: is more than a host; write user and port as keys of their own",
        id="host and port",
    ),
    pytest.param(
        '[ssd]\nhost = "-oProxyCommand=x"',
        "ssd: host: is more than a host; write user and port as keys of their own",
        id="an option",
    ),
    pytest.param(
        '[ssd]\nhost = "box"\nhome = "a\\nb"', "ssd: holds a character that can't be printed; take it out", id="a line"
    ),
    pytest.param(
        '[ssd]\nhost = "u:secret@h"',
        "ssd: host: is more than a host; write user and port as keys of their own",
        id="a secret in the host",
    ),
    pytest.param(
        '[ssd]\nhost = "box"\nuser = "u:secret"',
        "ssd: user: is more than a user; write the name of the account there, and no password",
        id="a secret in the user",
    ),
    pytest.param(
        '[ssd]\nhost = "box"\npassword_file = ["secret"]',
        "ssd.password_file: is no text; name a file that only you can read",
        id="a secret in a list",
    ),
    pytest.param(
        '[ssd]\nhost = "box"',
        'ssd: home: is missing; name a folder there for dlim alone, such as home = "dlim"',
        id="no home",
    ),
    *(
        pytest.param(
            f'[ssd]\nhost = "box"\nhome = "{home}"',
            f'ssd: home: "{home}" is no folder for dlim alone; name one such as "dlim", below the account\'s own',
            id=f"home {home}",
        )
        for home in ("~", "~/", ".", "/", "./", "..", "a/../..")
    ),
    pytest.param(
        '[ssd]\nhost = "box"\nhome = "~you/x"',
        'ssd: home: "~you/x" is another user\'s; write the whole path',
        id="~you",
    ),
]


@pytest.mark.parametrize(("text", "fault"), SERVERS)
def test_what_servers_toml_may_not_say(folder: Path, text: str, fault: str) -> None:
    """A fault in servers.toml is one line with the server and the key, and never with a password."""
    path = folder / "servers.toml"
    path.write_text(text)
    assert told(folder) == f"{path}: {fault}"


def test_an_address_with_colons_is_a_host(folder: Path) -> None:
    """An IPv6 address is no host with a port."""
    (folder / "servers.toml").write_text('[ssd]\nhost = "fe80::1"\nhome = "dlim"\n')
    assert config.load(folder).servers["ssd"].host == "fe80::1"


TWO = 'canvas = "native"\n[learning]\nserver = "gpu"\nfolder = "{0}"\ndataset_dir = "{1}"\n[service]\nfolder = "{2}"\n'


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (("a", "d", "s"), ("b", "d", "./s"), "service.weight: weights/latest_weight.pth is that of one as well"),
        (("a", "d", "s"), ("a", "d", "t"), "learning.dataset_dir: d is that of one as well"),
        (("a", "d", "s"), ("a", "e", "t"), ""),
    ],
)
def test_learners_that_share_a_place(one: tuple[str, ...], other: tuple[str, ...], told: str, folder: Path) -> None:
    """Two whose weights or datasets would overwrite each other are refused when the configuration is read."""
    for path in (folder / "learners").iterdir():
        path.unlink()
    (folder / "learners/one.toml").write_text(TWO.format(*one))
    (folder / "learners/two.toml").write_text(TWO.format(*other))
    (folder / "servers.toml").write_text('[gpu]\nhost = "box"\nhome = "dlim"\n')
    if not told:
        assert len(config.load(folder).learners) == 2
        return
    with pytest.raises(ConfigError) as caught:
        config.load(folder)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('numbers.loss = "loss ("', r"learning.numbers.loss: is no pattern"),
        ('numbers.loss = "loss"', r"learning.numbers.loss: has no group; put \( and \) around the number"),
    ],
)
def test_what_a_learner_may_not_say(text: str, told: str, folder: Path) -> None:
    """Each is a line when the configuration is read."""
    (folder / "learners/ssd.toml").write_text(f'canvas = "native"\n[learning]\n{text}\n')
    with pytest.raises(ConfigError, match=told):
        config.load(folder)
