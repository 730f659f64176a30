"""Aozora's markup: the text alone is left, with the characters that its notes tell."""

import pytest

from dlim.augment.aozora import LOST, body

DASHES = "-" * 55
AOZORA = f"""題名
作者

{DASHES}
【テキスト中に現れる記号について】

《》：ルビ
（例）言《い》われたり
{DASHES}

［＃５字下げ］一［＃「一」は中見出し］

白い岩｜停車《ていしゃ》
-----

底本：「本」
入力：だれか
"""


def test_header_and_footer_go() -> None:
    """Title, author, the block on notation and all from 底本： on are no part of the body."""
    assert body(AOZORA).split() == ["一", "白い岩停車", "-----"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("言《い》われ", "言われ"),
        ("一｜袋《ふくろ》", "一袋"),
        ("あ［＃５字下げ］い", "あい"),
        ("あ［＃「［い］」は底本では「い」］う", "あう"),
        ("あ［＃「［＃「い［＃う］」え］」お］か", "あか"),
        ("あ［＃「）」は底本では「］」］い", "あい"),
        ("あ［＃「　いは」は底本では「「いは」］う", "あう"),
        ("［い］〔う〕", "［い］〔う〕"),
        ("※注意［＃ここで字下げ終わり］※", "※注意※"),
        ("あ［＃い\nう］", "あ［＃い\nう］"),
    ],
)
def test_markup_goes(text: str, left: str) -> None:
    """Ruby, bars and notes go, whatever a note holds; plain brackets and a mark ※ without a note stay."""
    assert body(text) == left


@pytest.mark.parametrize(
    ("note", "character"),
    [
        ("「てへん＋劣」、第3水準1-84-77", "挘"),
        ("「插」でつくりの縦棒が下に突き抜けている、第4水準2-13-28", "\u63f7"),
        ("「口＋芋」、第3水準1-15-1、13-5", "咩"),
        ("二の字点、1-2-22", "〻"),
        ("ローマ数字1、1-13-21", "Ⅰ"),
        ("濁点付き片仮名ワ、1-7-82", "ヷ"),
        ("半濁点付き平仮名か、1-4-87", "か\u309a"),
        ("「火＋煢」、U+7162、133-3", "煢"),
        ("「石＋石」、u+2546b、9-1", "\U0002546b"),
        ("「言《い》」、第3水準１-84-77", "挘"),
        ("「口＋［い］」、第3水準1-15-1", "咩"),
        ("「※［＃「火＋石」、U+7162］＋口」、第3水準1-15-1", "咩"),
    ],
)
def test_a_note_that_tells_a_character(note: str, character: str) -> None:
    """A place in JIS X 0213 or a code point is the character itself, and takes the place of mark and note."""
    assert body(f"前※［＃{note}］《ルビ》後") == f"前{character}後"


@pytest.mark.parametrize(
    "note",
    [
        "小書き平仮名ん、183-7",
        "「口＋世」",
        "「口＋世」、第3水準1-95-1",
        "「口＋世」、第3水準1-12-90",
        "「口＋世」、第4水準2-2-1",
        "「口＋世」、3-15-1",
        "「口＋世」、上巻11-15-1-2",
        "「口＋世」、U+D800、1-1",
        "「口＋世」、U+E000",
        "「口＋世」、U+110000",
        "「口＋世」、U+12",
        "「※［＃「火＋石」、U+7162］＋口」、183-7",
        "",
    ],
)
def test_a_note_that_only_describes(note: str) -> None:
    """Where there is no code, or one of nothing, the character is lost, and marked as lost."""
    assert body(f"前※［＃{note}］《ルビ》後") == f"前{LOST}後"


def test_a_character_told_in_another_note() -> None:
    """What a note says of another character goes with that note, and isn't lost from the text."""
    assert body("前［＃「※［＃「口＋世」、183-7］」は底本では「※［＃「口＋芋」、第3水準1-15-1］」］後") == "前後"


@pytest.mark.parametrize(
    "text", ["［＃" * 5000, "※［＃「" * 5000, "《" * 5000, "［＃" + "あ" * 100_000, "［＃「［" * 5000]
)
def test_markup_that_never_ends(text: str) -> None:
    """Marks without an end are read in no time, and stay as they are."""
    assert body(text) == text


@pytest.mark.parametrize("text", ["", "押す\n", f"上\n{DASHES}\n中\n{DASHES}\n下\n", f"上\n{DASHES}\n下\n"])
def test_plain_text_passes(text: str) -> None:
    """A text without Aozora's header comes out as it is, rules of dashes included."""
    assert body(text) == text
