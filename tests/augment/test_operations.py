"""The operations: what is drawn, that pixels are those of imgaug, and that the mesh knows where everything went."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from math import hypot
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.augment import operations
from dlim.augment.images import Pixels
from dlim.augment.imgaug import Custom, augmenters
from dlim.augment.operations import Operation, moved, seed, uniforms, varied
from dlim.errors import AugmentError
from dlim.geometry import Mesh, Size, grid, still

calm = settings(deadline=None)

KEYS = [(1, "project", "operation", 0, index, 0) for index in range(12)]


def picture(width: int = 40, height: int = 30) -> Pixels:
    """A picture without two like corners."""
    generator = np.random.default_rng(1)
    return generator.integers(0, 256, (height, width, 3), np.uint8)


def named() -> list[pytest.param]:  # type: ignore[valid-type]
    made = {
        "rotation": operations.rotation(30),
        "height": operations.height(),
        "zoom": operations.zoom(),
        "brightness": operations.brightness(),
        "mix": operations.mix((40, 30), degrees=20),
    }
    return [pytest.param(operation, id=name) for name, operation in made.items()]


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, float]:
    """What may be drawn for one image, some of it or all."""
    ranges = {
        "rotation": (-180, 180),
        "shift_x": (-20, 20),
        "shift_y": (-20, 20),
        "zoom_x": (0.3, 2),
        "zoom_y": (0.3, 2),
    }
    names = draw(st.sets(st.sampled_from(sorted(ranges)), min_size=1))
    return {name: round(draw(st.floats(*ranges[name])), 6) for name in sorted(names)}


def test_an_augmenter_that_drops_key_points_is_refused() -> None:
    """An augmenter that removes key points would leave boxes behind, and is named."""
    iaa = augmenters()
    custom = Custom(iaa.Sequential([iaa.Affine(translate_px={"x": 12}), iaa.ClipCBAsToImagePlanes()]))
    with pytest.raises(AugmentError, match="Sequential: drops key points, so that boxes can't follow"):
        custom.vary(np.zeros((16, 16, 3), np.uint8), [("key",)], 125)


def imgaugs(drawn: Sequence[dict[str, float]], size: Size, cval: int) -> Any:
    """What imgaug itself makes of an image with these parameters: an Affine, then a Multiply."""
    import imgaug.parameters as iap

    def each(name: str, default: float, factor: float = 1) -> Any:
        return iap.DeterministicList([float(one.get(name, default) * factor) for one in drawn])

    iaa = augmenters()
    parts = [
        iaa.Affine(
            scale={"x": each("zoom_x", 1), "y": each("zoom_y", 1)},
            rotate=each("rotation", 0),
            translate_percent={"x": each("shift_x", 0, 1 / size[0]), "y": each("shift_y", 0, 1 / size[1])},
            order=1,
            mode="constant",
            cval=cval,
        )
    ]
    if "brightness" in drawn[0]:
        # Multiply draws a value for each channel of each image, and uses the first of them
        factors = [one["brightness"] for one in drawn for _ in range(3)]
        parts.append(iaa.Multiply(iap.DeterministicList(factors)))
    return iaa.Sequential(parts)


@pytest.mark.parametrize("size", [(32, 32), (38, 39), (121, 77), (3, 2)])
def test_pixels_are_those_of_imgaug(size: Size) -> None:
    """Of 600 draws, fine and round, each image is that of imgaug's Affine and Multiply, to the last pixel."""
    generator = random.Random(size[0])
    ranges = {
        "rotation": (-180, 180),
        "shift_x": (-20, 20),
        "shift_y": (-5, 5),
        "zoom_x": (0.3, 2),
        "zoom_y": (0.3, 2),
        "brightness": (0, 2),
    }
    master = picture(*size)
    for _ in range(60):
        names = sorted(generator.sample(sorted(ranges), generator.randint(1, 6)))
        drawn = [
            {name: max(0.000001, round(generator.uniform(*ranges[name]), generator.choice([1, 6]))) for name in names}
            for _ in range(10)
        ]
        for one, expected in zip(drawn, imgaugs(drawn, size, 125)(images=[master] * 10), strict=True):
            assert (varied(master, one, 125) == expected).all(), one


@settings(deadline=None, max_examples=60)
@given(parameters(), st.tuples(st.integers(2, 120), st.integers(2, 120)))
def test_the_mesh_agrees_with_imgaugs_key_points(drawn: dict[str, float], size: Size) -> None:
    """Where the mesh takes a point, imgaug takes a key point, to a thousandth of a pixel."""
    points = list(grid(*size, 4))
    image = np.zeros((size[1], size[0], 3), np.uint8)
    _, [expected] = imgaugs([drawn], size, 0)(images=[image], keypoints=[points])
    mesh = moved(drawn, size)
    found = [mesh.moved(*point) for point in points]
    assert max(hypot(x - a, y - b) for (x, y), (a, b) in zip(found, expected, strict=True)) < 1e-3


@pytest.mark.parametrize(
    ("drawn", "corner"),
    [
        pytest.param({}, (0, 0), id="nothing"),
        pytest.param({"shift_x": 3, "shift_y": -2}, (3, -2), id="right and up"),
        pytest.param({"zoom_x": 2, "zoom_y": 0.5}, (-20, 7.5), id="about the middle"),
        pytest.param({"rotation": 90}, (35, -5), id="clockwise"),
        pytest.param({"rotation": 90, "zoom_x": 2, "shift_x": 1}, (36, -25), id="zoomed, turned, then shifted"),
        pytest.param({"brightness": 0.5}, (0, 0), id="brightness moves nothing"),
    ],
)
def test_where_the_upper_left_corner_goes(drawn: dict[str, float], corner: tuple[float, float]) -> None:
    """On 40 x 30 pixels the corner goes where a person expects it."""
    assert moved(drawn, (40, 30)).moved(0, 0) == pytest.approx(corner, abs=1e-9)


@pytest.mark.parametrize("operation", named())
def test_draws_lie_in_their_ranges(operation: Operation) -> None:
    """What is drawn for an image lies within the operation's ranges, and nothing else is drawn."""
    for index in range(200):
        drawn = operation.draw((1, index))
        assert drawn.keys() == operation.drawn().keys()
        assert all(low <= drawn[name] <= high for name, (low, high) in operation.drawn().items())


@pytest.mark.parametrize("operation", named())
def test_draws_fill_their_ranges(operation: Operation) -> None:
    """In 400 images each parameter comes close to both ends of its range."""
    drawn = [operation.draw((1, index)) for index in range(400)]
    for name, (low, high) in operation.drawn().items():
        values = [one[name] for one in drawn]
        assert min(values) < low + 0.02 * (high - low)
        assert max(values) > high - 0.02 * (high - low)


@pytest.mark.parametrize("operation", [*named(), pytest.param("custom", id="custom")])
def test_an_image_knows_nothing_of_its_batch(operation: Operation | str) -> None:
    """All at once, one by one, or in another order: the same key makes the same crop."""
    made = Custom(augmenters().AdditiveGaussianNoise(scale=20)) if isinstance(operation, str) else operation
    together = made.vary(picture(), KEYS, 125)
    alone = [made.vary(picture(), [key], 125)[0] for key in reversed(KEYS)][::-1]
    for one, other in zip(together, alone, strict=True):
        assert (one.pixels == other.pixels).all()
        assert (one.parameters, one.mesh) == (other.parameters, other.mesh)
    assert len({crop.pixels.tobytes() for crop in together}) == len(KEYS)


@pytest.mark.parametrize("operation", named())
def test_the_master_is_left_alone(operation: Operation) -> None:
    """An operation makes new pixels and changes none of the master's."""
    master = picture()
    crops = operation.vary(master, KEYS, 125)
    assert (master == picture()).all()
    assert {crop.pixels.shape for crop in crops} == {master.shape}
    assert not any(np.shares_memory(crop.pixels, master) for crop in crops)


@pytest.mark.parametrize("cval", [0, 125, 255])
def test_what_is_bared_is_filled(cval: int) -> None:
    """Shifted down by half, the upper part is the given grey, and the lower one is the master's upper part."""
    master = picture(40, 30)
    [crop] = Operation(shift_y=(15, 15.0000001)).vary(master, [(0,)], cval)
    assert (crop.pixels[:14] == cval).all()
    assert np.abs(crop.pixels[16:].astype(int) - master[1:15]).max() <= 1


def test_brightness_multiplies() -> None:
    """In a batch, every channel of every pixel of an image is multiplied by the factor that was drawn for it."""
    for crop in operations.brightness(0.1, 0.5).vary(picture(), KEYS, 0):
        assert np.abs(crop.pixels - picture() * crop.parameters["brightness"]).max() <= 1
        assert crop.mesh == still(40, 30)


def test_mix_shifts_by_shares() -> None:
    """A share of 0.1 is 4 pixels of 40 across, and 3 of 30 down."""
    mix = operations.mix((40, 30))
    assert (mix.shift_x, mix.shift_y) == ((-4, 4), (-3, 3))


def test_what_does_not_vary_is_not_drawn() -> None:
    """Only ranges that are more than standing still are drawn, in a fixed order."""
    assert operations.zoom().drawn() == {"zoom_x": (0.7, 1.3), "zoom_y": (0.7, 1.3)}
    assert Operation(rotation=(0, 0), shift_x=(0, 1), brightness=(2, 2)).drawn() == {
        "shift_x": (0, 1),
        "brightness": (2, 2),
    }


def test_a_draw_can_be_retyped() -> None:
    """Parameters have six decimals at most, and what they say is what was done."""
    drawn = operations.mix((40, 30)).draw((1, "a"))
    assert all(value == round(value, 6) for value in drawn.values())


def test_any_augmenter_is_followed() -> None:
    """A mirroring augmenter of imgaug takes the mesh along."""
    [crop] = Custom(augmenters().Fliplr(1.0)).vary(picture(), [(0,)], 0)
    assert (crop.pixels == picture()[:, ::-1]).all()
    assert crop.mesh == Mesh(40, 30, tuple((40 - x, y) for x, y in grid(40, 30, 9)))


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda iaa: iaa.Affine(translate_px={"x": (8, 12)}, mode="wrap"), id="wrap"),
        pytest.param(lambda iaa: iaa.Affine(translate_px={"y": (-12, -8)}, mode="reflect"), id="reflect"),
    ],
)
def test_pixels_that_leave_their_key_points_are_found(made: Callable[[Any], Any]) -> None:
    """An augmenter that shows an object where its key points don't go is refused, by what it does to a patch."""
    with pytest.raises(AugmentError, match="Affine: moves pixels to where its key points don't go"):
        Custom(made(augmenters())).probe(picture(), KEYS)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda iaa: iaa.Affine(translate_px={"x": (8, 12)}), id="constant"),
        pytest.param(lambda iaa: iaa.Affine(translate_px={"x": (8, 12)}, mode="edge"), id="edge"),
        pytest.param(lambda iaa: iaa.Fliplr(0.5), id="mirrored whole"),
        pytest.param(lambda iaa: iaa.ElasticTransformation(alpha=30, sigma=5), id="elastic"),
        pytest.param(lambda iaa: iaa.pillike.Autocontrast(), id="contrast"),
        pytest.param(lambda iaa: iaa.GaussianBlur(2.0), id="blurred"),
    ],
)
def test_pixels_that_follow_their_key_points_are_not(made: Callable[[Any], Any]) -> None:
    """What moves pixels and points alike passes, and so does what changes colours; numpy 2 stands in nobody's way."""
    custom = Custom(made(augmenters()))
    custom.probe(picture(), KEYS)
    assert len(custom.vary(picture(), KEYS[:2], 0)) == 2


def test_what_imgaug_cannot_do_is_said_to_be_imgaugs() -> None:
    """An error of imgaug's own is a line that names the augmenter and imgaug."""
    with pytest.raises(
        AugmentError, match=r"^RandAugment: imgaug 0\.4\.0 can't do that here \(AssertionError: pillike"
    ):
        Custom(augmenters().RandAugment(n=2, m=9)).vary(picture(), KEYS, 0)


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (lambda: operations.zoom(2, 1), "zoom is from 2 to 1; say the lower number first"),
        (lambda: operations.zoom(0, 1), "zoom is from 0 to 1; say factors above 0"),
        (lambda: operations.brightness(-1, 1), "brightness is from -1 to 1; say factors above 0"),
        (lambda: operations.rotation(float("nan")), "rotation is from nan to nan; say the lower number first"),
    ],
)
def test_a_range_that_is_none(made: Callable[[], Operation], fault: str) -> None:
    """A range upside down, or one that leaves nothing of the crop, is refused."""
    with pytest.raises(AugmentError) as caught:
        made()
    assert str(caught.value) == f"daug.py: {fault}"


def sequential() -> Any:
    iaa = augmenters()
    return iaa.Sequential([iaa.Multiply((0.5, 1.5)), iaa.Affine(rotate=(-20, 20))], random_order=True)


def one_of() -> Any:
    return augmenters().OneOf([sequential(), augmenters().AdditiveGaussianNoise(scale=30)])


def sometimes_one_of() -> Any:
    # imgaug's own seed_ seeds what is in such a OneOf, and not itself
    return augmenters().Sometimes(0.5, one_of())


def deeply() -> Any:
    iaa = augmenters()
    some = iaa.SomeOf((0, 2), [sequential(), iaa.Fliplr(0.5)], random_order=True)
    return iaa.Sequential([iaa.Sometimes(0.5, iaa.Sometimes(0.5, some)), iaa.BlendAlpha((0.0, 1.0), one_of())])


@pytest.mark.parametrize("make", [sequential, one_of, sometimes_one_of, deeply])
def test_an_augmenter_is_seeded_all_through(make: Callable[[], Any]) -> None:
    """However augmenters are nested, all draw from the key, whatever was drawn with them before."""
    used = Custom(make())
    used.vary(picture(), KEYS, 0)
    for one, other in zip(used.vary(picture(), KEYS, 0), Custom(make()).vary(picture(), KEYS, 0), strict=True):
        assert (one.pixels == other.pixels).all()
        assert one.mesh == other.mesh


ANY_KEY = st.lists(st.integers() | st.text(max_size=9), min_size=1, max_size=4).map(tuple)


def test_a_draw_is_the_same_for_ever() -> None:
    """These numbers decide the bytes of every dataset: another draw would build them all anew."""
    assert uniforms(3, 1, "close", "mix", 0, 0, 0) == [0.938089113390326, 0.441072897403194, 0.6639875270140355]
    assert seed(1, "close", "video", 0, 0, 0) == 302486062


def test_a_draw_is_the_same_in_another_process() -> None:
    """Neither the process nor its hash seed has a part in a draw."""
    code = "from dlim.augment.operations import *; print(uniforms(8, 1, 'あ', 'mix'), seed(1, 'あ', 'mix'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout == f"{uniforms(8, 1, 'あ', 'mix')} {seed(1, 'あ', 'mix')}\n"


@settings(deadline=None, max_examples=50)
@given(ANY_KEY)
def test_a_draw_lies_in_its_range(key: tuple[object, ...]) -> None:
    """A draw is from 0 to below 1, a seed is one that imgaug takes."""
    numbers = uniforms(8, *key)
    assert len(numbers) == 8
    assert all(0 <= number < 1 for number in numbers)
    assert 0 <= seed(*key) < 2**31


@settings(deadline=None)
@given(ANY_KEY, st.integers(1, 7))
def test_fewer_are_the_first_of_more(key: tuple[object, ...], count: int) -> None:
    """How many are drawn changes none of them."""
    assert uniforms(count, *key) == uniforms(8, *key)[:count]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("ab", "c"), ("a", "bc"), id="where a part ends"),
        pytest.param((1, 2), (2, 1), id="the order"),
        pytest.param((1,), (1, 0), id="how many parts"),
        pytest.param((1, "close", "mix", 0, 0), (1, "close", "mix", 0, 1), id="the last part"),
    ],
)
def test_other_keys_draw_other_numbers(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    """Every part of a key counts, and where it stands."""
    assert uniforms(1, *one) != uniforms(1, *other)
    assert seed(*one) != seed(*other)


def test_draws_are_even() -> None:
    """Of 4,000 draws, each tenth of the range gets its share, in the first number and in the last."""
    for place in (0, 7):
        tenths = [0] * 10
        for index in range(4000):
            tenths[int(uniforms(8, 1, "even", index)[place] * 10)] += 1
        assert 330 < min(tenths) <= max(tenths) < 470
