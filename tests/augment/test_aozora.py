"""Aozora's markup: the text alone is left, with the characters that its notes tell."""

import pytest

from dlim.augment.aozora import LOST, body, read

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


MANUAL = [
    # the marks themselves, in a text that has them for its own
    ("※［＃始め二重山括弧、1-1-52］雪※［＃終わり二重山括弧、1-1-53］", "《雪》"),
    ("※［＃始め角括弧、1-1-46］雪※［＃終わり角括弧、1-1-47］", "［雪］"),
    ("※［＃始めきっこう（亀甲）括弧、1-1-44］e'※［＃終わりきっこう（亀甲）括弧、1-1-45］", "〔e'〕"),
    ("※［＃縦線、1-1-35］雪※［＃井げた、1-1-84］※［＃米印、1-2-8］", "｜雪＃※"),
    ("※［＃米印、1-2-8］［＃改ページ］", "※"),
    # accents
    ("〔cafe'〕と〔E'cole〕", "caféとÉcole"),
    ("〔Sto:rr, Franc,ais, a`, a^, a~, a&, n~, o/, y:〕", "Störr, Français, à, â, ã, å, ñ, ø, ÿ"),
    ("〔AE&ae&OE&oe&s&〕〔!@ ?@〕〔a_ O_〕", "ÆæŒœß¡ ¿ā Ō"),
    ("〔雪〕〔plain〕", "〔雪〕〔plain〕"),
    # characters that aren't in Shift-JIS
    ("※［＃「てへん＋劣」、第3水準1-84-77］", "挘"),
    ("※［＃「口＋世」、U+546D、135-7］", "呭"),
    ("※［＃感嘆符二つ、1-8-75］※［＃感嘆符疑問符、1-8-78］", "‼⁉"),
    ("※［＃歌記号、1-3-28］※［＃コト、1-2-24］", "〽ヿ"),
    ("※［＃小書き片仮名ト、1-6-81］※［＃濁点付き片仮名ヰ、1-7-83］", "ㇳヸ"),
    ("※［＃丸1、1-13-1］※［＃全角メートル、1-13-35］", "①㍍"),
    # repetition
    ("いろ／＼、ほの／″＼《ルビ》", "いろ〳〵、ほの〴〵"),
    # Chinese, read as Japanese
    ("見［＃二］大人所［＃一レ］敬。", "見二大人所一レ敬。"),
    ("山城［＃（ノ）］國［＃レ］", "山城ノ國レ"),
    ("雖［＃二‐］未", "雖二未"),
    # ruby
    ("武州｜青梅《おうめ》の宿", "武州青梅の宿"),
    ("｜○○《まるまる》と※［＃「言＋墟のつくり」、第4水準2-88-74］《うそ》", "○○と譃"),
    ("青空文庫［＃「青空文庫」の左に「あおぞらぶんこ」のルビ］", "青空文庫"),
    ("［＃注記付き］名※［＃二の字点、1-2-22］［＃「（銘々）」の注記付き終わり］", "名〻"),
    ("［＃左にルビ付き］雪［＃左に「ゆき」のルビ付き終わり］", "雪"),
    # layout
    ("［＃改丁］［＃改ページ］［＃改見開き］［＃改段］雪", "雪"),
    ("［＃１字下げ］雪［＃地付き］［＃地から２字上げ］", "雪"),
    ("［＃ここから２字下げ］雪［＃ここで字下げ終わり］", "雪"),
    ("［＃ここから改行天付き、折り返して１字下げ］雪［＃ここで字下げ終わり］", "雪"),
    ("［＃ここから地付き］雪［＃ここで地付き終わり］［＃ページの左右中央］", "雪"),
    ("［＃ここから３字下げ、５字詰め］雪［＃ここで字詰め終わり］", "雪"),
    # headings
    ("雪［＃「雪」は大見出し］［＃大見出し］雪［＃大見出し終わり］", "雪雪"),
    ("雪［＃「雪」は同行中見出し］［＃窓小見出し］雪［＃窓小見出し終わり］", "雪雪"),
    ("［＃ここから中見出し］雪［＃ここで中見出し終わり］", "雪"),
    # emphasis
    ("雪［＃「雪」に傍点］［＃白ゴマ傍点］雪［＃白ゴマ傍点終わり］", "雪雪"),
    ("雪［＃「雪」の左に二重傍線］［＃波線］雪［＃波線終わり］", "雪雪"),
    ("雪［＃「雪」は太字］［＃ここから斜体］雪［＃ここで斜体終わり］", "雪雪"),
    # figures
    ("［＃石鏃二つの図（fig42154_01.png、横321×縦123）入る］雪", "雪"),
    ("［＃「第一七図」のキャプション付きの図（fig4990_07.png、横321×縦123）入る］［＃「雪」はキャプション］", ""),
    ("［＃キャプション］雪［＃キャプション終わり］", "雪"),
    # the rest
    ("喋舌［＃「喋舌」はママ］雪［＃「雪」は底本では「霊」］", "喋舌雪"),
    ("《ゆき》［＃ルビの「ゆき」はママ］雪［＃「雪」に「ママ」の注記］", "雪"),
    ("22［＃「22」は縦中横］［＃縦中横］１［＃縦中横終わり］", "22１"),
    ("雪［＃割り注］ゆき［＃改行］［＃割り注終わり］", "雪ゆき"),
    ("2［＃「2」は上付き小文字］［＃行右小書き］（一）［＃行右小書き終わり］", "2（一）"),
    ("雪［＃「雪」は罫囲み］［＃ここから横組み］雪［＃ここで横組み終わり］", "雪雪"),
    ("［＃ここから２段階大きな文字］雪［＃ここで大きな文字終わり］", "雪"),
    ("雪［＃「雪」は２段階小さな文字］［＃取消線］雪［＃取消線終わり］", "雪雪"),
    ("［＃ここから２段組み］雪［＃ここで段組み終わり］［＃「雪」の左に×傍点］", "雪"),
    ("雪［＃本文終わり］入力者注：月", "雪"),
    ("［＃天から３字下げ］雪［＃「雪」は横組み］", "雪"),
    ("雪［＃「雪」は枠囲み］［＃１行アキ］", "雪"),
]


@pytest.mark.parametrize(("text", "left"), MANUAL)
def test_the_constructions_of_the_manual(text: str, left: str) -> None:
    """What Aozora's manual of annotation writes so is read so, and there is nothing to say of it."""
    found = read(text)
    assert (found.text, found.notes) == (left, ())


@pytest.mark.parametrize(
    ("text", "left", "note"),
    [
        ("雪\n※［＃小書き平仮名ん、183-7］", f"雪\n{LOST}", "line 2: ※［＃小書き平仮名ん、183-7］ has no code"),
        ("雪\n\n［＃月］", "雪\n\n", "line 3: ［＃月］ is no note of Aozora's manual; left out"),
        ("雪《ゆき\n", "雪《ゆき\n", "line 1: 《 stands alone, and is drawn"),
        ("［＃改ページ\n", "［＃改ページ\n", "line 1: ［＃ stands alone, and is drawn"),
        (f"題\n{DASHES}\n【テキスト中に現れる記号について】\n{DASHES}\n［＃月］", "\n" * 4, "line 5: ［＃月］ is no"),
    ],
)
def test_what_is_not_understood_is_named(text: str, left: str, note: str) -> None:
    """Nothing of the markup is dropped without a word: what is no construction of the manual is named with its line."""
    found = read(text)
    assert found.text == left
    assert len(found.notes) == 1
    assert found.notes[0].startswith(note)
