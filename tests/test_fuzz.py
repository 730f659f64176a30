"""Whatever the bytes are: a reader reads them, or says in one line of printable characters what is wrong.

`DLIM_FUZZ=20000 pytest -m long tests/test_fuzz.py` looks for longer than CI does.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dlim import config, crop, store, toml
from dlim.augment import corpus, images
from dlim.errors import DlimError
from dlim.formats import voc
from dlim.geometry import Box
from dlim.runs import history, predictions, record, state, weights
from dlim.runs.shots import Frozen, Still

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("DLIM_FUZZ", "150"))

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def told(read: Callable[[], object]) -> object:
    """What a reader gives, or the line that it says."""
    try:
        return read()
    except DlimError as error:
        line = str(error)
        assert line.isprintable(), line
        assert len(line) < 2000, line
        return error


def mutated(*seeds: bytes) -> st.SearchStrategy[bytes]:
    """Bytes of some kind with pieces changed, lost, doubled and put in."""
    change = st.tuples(st.integers(0, 1 << 20), st.integers(0, 40), st.binary(max_size=12))

    def changed(seed: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
        for place, length, new in changes:
            at = place % (len(seed) + 1)
            seed = seed[:at] + new + seed[at + length :]
        return seed

    return st.one_of(
        st.builds(changed, st.sampled_from(seeds), st.lists(change, min_size=1, max_size=6)), st.binary(max_size=300)
    )


VOC = (
    b'<?xml version="1.0"?><annotation><folder>f</folder><filename>image.jpg</filename><size><width>40</width>'
    b"<height>30</height><depth>3</depth></size><object><name>close</name><pose>Left</pose><truncated>0</truncated>"
    b"<difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>30</xmax><ymax>29</ymax></bndbox></object>"
    b"</annotation>"
)


@fuzzed
@given(mutated(VOC, VOC.replace(b"</annotation>", b"<object/></annotation>"), VOC.decode().encode("utf-16")))
def test_voc(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "a.xml"
    path.write_bytes(data)
    told(lambda: voc.read(path))


WORDS = """canvas seed split augment train_percent by count scene scale objects blend learning service limit
labels host user
home port include exclude label placement generator weights keep numbers x"""
keys = st.sampled_from(WORDS.split())
values = st.recursive(
    st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=8), st.sampled_from(["native", "a*", "~"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
TABLES: list[type[toml.Table]] = [config.Settings, config.Learner, config.ProjectSettings, config.Server]


@fuzzed
@given(st.sampled_from(TABLES), st.dictionaries(keys, values, max_size=5))
def test_tables(table: type[toml.Table], data: dict[str, Any]) -> None:
    told(lambda: toml.converted(Path("a.toml"), data, table))


TOML = (
    b'canvas = [400, 400]\ninclude = ["a*"]\n[labels]\na = "b"\n[learning]\nserver = "gpu"\ncommand = "x"\n'
    b'weights = "w/*.pth"\n[learning.numbers]\nloss = "loss ([0-9.]+)"\n[service]\nweight = "w/now.pth"\n[scene]\n'
    b'scale = [0.5, 2]\nblend = ["hard"]\n[limit.labels]\nclose = 5\n'
)


@fuzzed
@given(mutated(TOML))
def test_a_learners_file(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "config"
    (folder / "learners").mkdir(parents=True, exist_ok=True)
    (folder / "learners/ssd.toml").write_bytes(data)
    told(lambda: config.load(folder))


@fuzzed
@given(
    mutated(b'[ssd]\nhost = "box"\nuser = "me"\nport = 22\nhome = "dlim"\npassword_file = ".x"\n[b]\nhome = "/srv"\n')
)
def test_servers(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "servers.toml"
    path.write_bytes(data)
    told(lambda: config.servers(path))


MANIFEST = (
    b'{"facts": {"images": 1, "bytes": 1},\n"parts": {\n  "b": ["x", {".jpg": "J"}]\n},\n'
    b'"files": {\n  "a.jpg": [1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"]\n}}\n'
)


@fuzzed
@given(mutated(MANIFEST, MANIFEST.replace(b'"b": ["x", {".jpg": "J"}]', b"")))
def test_manifests(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "build"
    folder.mkdir(exist_ok=True)
    (folder / "a.jpg").write_bytes(b"x")
    path = folder / "manifest.json"
    path.write_bytes(data)
    told(lambda: store.Build(folder).read("a.jpg"))
    store.verify({path: store.sha256(path)})
    assert isinstance(store.parts(path), dict)
    for read in (store.read, store.facts, store.head):
        with contextlib.suppress(ValueError, OSError):
            read(path)  # type: ignore[operator]


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in {"weights/a.pth": b"w" * 700, "é" * 60 + "/log": b"x", "weights/b.pth": b""}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1.5  # type: ignore[assignment]
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("weights/c.pth")
        link.type, link.linkname = tarfile.SYMTYPE, "../log"
        tar.addfile(link)
    return out.getvalue()


TAR = _tar()


@fuzzed
@given(mutated(TAR, TAR[:-1024], TAR * 2), st.booleans())
def test_archives(tmp_path_factory: pytest.TempPathFactory, data: bytes, packed: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "a.tar.gz"
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    found = told(lambda: weights.look(path, "weights/*.pth"))
    if isinstance(found, weights.Look):
        for weight in found.weights:
            target = path.with_name("weight")
            told(lambda weight=weight, target=target: weights.take(path, weight, target))
            target.unlink(missing_ok=True)
    told(lambda: weights.read(path, "results/report.json", 1000))


RECORD = (
    b'{"name": "a", "memo": "", "by": "x", "began": "2026-01-01T00:00:00Z", "ended": "y", "learners": '
    b'{"ssd": {'
    b'"origin": {"dataset": '
    b'{"archive": {"size": 1, "sha256": "x"}, "shards": {}, "train": 1, "val": 1}, "projects": {}, '
    b'"settings": {}, "makers": {}, "program": {}}, "where": {"server": "s", "address": "a", "folder": "."}, "job": '
    b'{"command": "c", "exit_code": 0}, "weights": {}, "archive": {"size": 1, "sha256": "x"}, "snapshot": {"size": 1, '
    b'"sha256": "x"}, "log": {"size": 1, "sha256": "x"}, "metrics": {"map": 0.5}, "details": {}}}}'
)


@fuzzed
@given(mutated(RECORD))
def test_records(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "output"
    folder.mkdir(exist_ok=True)
    (folder / "record.json").write_bytes(data)
    told(lambda: record.read(folder))


nested = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=10,
)


@fuzzed
@given(
    st.one_of(nested.map(lambda value: json.dumps(value).encode()), mutated(b'{"map": {"close": 0.5}, "n": [1, 2]}'))
)
def test_results(data: bytes) -> None:
    for name, value in record.numbers(data).items():
        assert name.isprintable()
        assert value == value


PREDICTION = b'[{"file_name": "a.png", "label": "close", "bbox": [1, 2.5, 30, 4], "score": 0.25}, {"score": 1}]'
FROZEN = Frozen("0" * 64, ("close", "skip"), (Still("a.png", record.File(1, "a"), ()),))


@fuzzed
@given(st.one_of(nested.map(lambda value: json.dumps([value]).encode()), mutated(PREDICTION)))
def test_predictions(data: bytes) -> None:
    found, lines = predictions.read(data, FROZEN)
    assert all(one.label in FROZEN.labels for one in found)
    assert all(line.isprintable() for line in lines)


@fuzzed
@given(mutated(b"running\0since 2026-01-01T00:00:00Z\nexit_code 0\n", b"kind\nsince\n\n0\n"))
def test_what_a_server_says_of_a_job(data: bytes) -> None:
    told(lambda: state.parsed(data))


def _picture(kind: str, mode: str) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((16, 12)).convert(mode).save(out, kind)
    return out.getvalue()


@fuzzed
@given(mutated(_picture("JPEG", "RGB"), _picture("PNG", "RGBA"), _picture("GIF", "P"), _picture("WEBP", "RGB")))
def test_pictures(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "a.jpg"
    path.write_bytes(data)
    told(lambda: images.read(path))
    told(lambda: crop.read(path))
    assert images.jpeg_fault(data).isprintable()


@fuzzed
@given(st.text(max_size=30))
def test_rectangles(text: str) -> None:
    told(lambda: crop.rectangle(text))


edges = st.floats(-1e4, 1e4)


@fuzzed
@given(st.tuples(edges, edges, edges, edges), st.integers(1, 500), st.integers(1, 500))
def test_boxes(box: tuple[float, float, float, float], width: int, height: int) -> None:
    """What is seen of a box lies in its image, in whole pixels, and not beyond the box."""
    x1, x2 = sorted((box[0], box[2]))
    y1, y2 = sorted((box[1], box[3]))
    seen = Box(x1, y1, x2, y2).seen(width, height)
    if seen is not None:
        assert 0 <= seen.x1 < seen.x2 <= width
        assert 0 <= seen.y1 < seen.y2 <= height
        assert seen.x1 >= x1 - 1
        assert seen.x2 <= x2 + 1
        assert seen.seen(width, height) == seen


AOZORA = (
    f"題名\n著者\n\n{'-' * 55}\n【記号】\n\n{'-' * 55}\n"
    "｜漢字《かんじ》〔cafe'〕［＃「字」に傍点］※［＃「てへん＋劣」、第3水準1-84-77］\n\n底本：「本」\n"
)


@fuzzed
@given(mutated(AOZORA.encode(), AOZORA.replace("〔cafe'〕", "").encode("cp932", "replace"), AOZORA.encode("utf-16")))
def test_texts(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "corpus.txt"
    path.write_bytes(data)
    told(lambda: corpus.read_corpus(path))


@fuzzed
@given(mutated(b'{"output":"a","learner":"ssd","sha256":"x","path":"w","record":null,"action":"deploy","change":"c"}'))
def test_histories(data: bytes) -> None:
    told(lambda: history.parsed(data))
