"""What stands for an article without a picture: how it looks, and when it is there."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from broadsheet import addresses, card
from broadsheet.card import ELLIPSIS, FACES, HEIGHT, MARGIN, REGIONS, WIDTH, Card
from broadsheet.page import CACHE_CONTROL, Drawing, Headers, entity_tag
from broadsheet.theme import LIGHT, TYPEFACES
from tests.newsroom import DONE, SITE, publish, refusing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.newsroom import Newsroom

NAME = "The Harbour Gazette"
KEY = "articles/a/card.png"
ELSEWHERE = {"src": "https://pictures.example/boat.jpg", "alt": "A boat"}
# The words' own, below the band of which nothing is told here.
FOOT = HEIGHT - card.BAND
HEADLINES = {
    "Latin": "Ferries return after a week of repairs – “at last”",
    "Vietnamese": "Tàu phà trở lại bến cảng sau một tuần sửa chữa",
    "Greek": "Το πλοίο επιστρέφει στο λιμάνι",
    "Cyrillic": "Паром возвращается в гавань",
    "Hebrew": "המעבורת חוזרת לנמל – “סוף סוף”",
    "Arabic": "العبارة تعود إلى الميناء بعد أسبوع",
    "Persian": "کشتی پس از یک هفته به بندر برمی\u200cگردد",
    "Urdu": "بندرگاہ کی گھڑی دوبارہ بج رہی ہے",
    "Chinese": "渡轮在维修一周后重返港口",
    "Japanese": "フェリーが港に戻る",
    "Korean": "여객선이 항구로 돌아왔다",
    "mixed": "חברת Harbour Ferries (HBF) ו-港新聞: 12.5% יותר",
}
UNDRAWN = [
    "नौका बंदरगाह लौटी",
    "เรือข้ามฟากกลับมา",
    "ლაივლაინი ბრუნდება",
    # In Kurdish some letters have no forms that join.
    "کەشتییەکە گەڕایەوە بۆ بەندەر",
]


def card_of(title: str, site: str = NAME, typeface: str = "serif") -> Card:
    return Card(title, site, LIGHT.paper, LIGHT.ink, LIGHT.accent, typeface)


def image_of(shown: Card) -> Image.Image:
    return Image.open(io.BytesIO(shown.png())).convert("RGB")


def inked(image: Image.Image) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) that words and rule take up."""
    words = image.convert("L").crop((0, 0, WIDTH, FOOT))
    return words.point([255 if v < 200 else 0 for v in range(256)]).getbbox() or (0, 0, 0, 0)


def lines_of(title: str, typeface: str = "serif") -> tuple[int, list[str]]:
    faces = card_of(title, typeface=typeface).faces
    return card.fitted(faces, card.legible(title, faces), card.SIZES)


class TestACard:
    def test_is_a_png_of_the_size_that_others_show_uncropped(self) -> None:
        data = card_of("Ferry runs again").png()
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size, image.mode) == ("PNG", (1200, 630), "P")
        assert len(data) < 50_000

    def test_has_the_same_bytes_each_time(self) -> None:
        first = card_of("Ferry runs again").png()
        card.drawn.cache_clear()
        assert card_of("Ferry runs again").png() == first

    def test_has_the_same_bytes_in_another_process(self) -> None:
        shown = card_of("Ferry runs again")
        code = (
            "import hashlib, sys; from broadsheet.card import Card;"
            f"sys.stdout.write(hashlib.sha256({shown!r}.png()).hexdigest())"
        )
        environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=True
        )
        assert done.stdout.decode() == hashlib.sha256(shown.png()).hexdigest()

    def test_that_looks_otherwise_needs_another_number_of_the_recipe(self) -> None:
        """Cards already there are taken for right by what they were made from.

        Where this fails, raise the number in RECIPE and put the new digest here beside it.
        """
        pixels = hashlib.sha256()
        for title in [*HEADLINES.values(), UNDRAWN[0], "Word " * 60, "A" * 300]:
            for typeface in ("serif", "sans"):
                pixels.update(image_of(card_of(title, typeface=typeface)).tobytes())
        assert (card.RECIPE, pixels.hexdigest()[:16]) == ("2 13.0.0", "d8fa6595db3799c6")

    @pytest.mark.parametrize(
        "field", ["title", "site", "paper", "ink", "accent", "typeface", "region"]
    )
    def test_of_anything_else_has_another_digest(self, field: str) -> None:
        values = card_of("Ferry")._asdict()
        assert Card(**values | {field: "x"}).digest != Card(**values).digest

    def test_is_in_the_colours_of_the_site(self) -> None:
        image = image_of(Card("Ferry", NAME, "#fff1e5", "#33302e", "#990f3d", "sans"))
        assert image.getpixel((2, 2)) == (0xFF, 0xF1, 0xE5)
        assert image.getpixel((2, HEIGHT - 2)) == (0x99, 0x0F, 0x3D)
        assert (0x33, 0x30, 0x2E) in image.get_flattened_data()

    def test_knows_a_face_for_each_typeface_of_a_theme(self) -> None:
        assert set(FACES) == set(TYPEFACES)
        assert (
            image_of(card_of("Ferry")).tobytes()
            != image_of(card_of("Ferry", typeface="sans")).tobytes()
        )

    @pytest.mark.parametrize("script", HEADLINES)
    def test_shows_a_headline_in(self, script: str) -> None:
        title = HEADLINES[script]
        for typeface in ("serif", "sans"):
            _, lines = lines_of(title, typeface)
            # Joined letters are those that they were.
            shown = unicodedata.normalize("NFKC", "".join(lines))
            assert shown.replace(" ", "") == re.sub(r"[ \u200c]", "", title)
            bare = image_of(card_of("", typeface=typeface)).tobytes()
            assert image_of(card_of(title, typeface=typeface)).tobytes() != bare

    def test_begins_at_the_right_where_its_headline_does(self) -> None:
        for title in ("הגשר נפתח", "الجسر"):
            box = inked(image_of(card_of(title, "")))
            assert box[2] >= WIDTH - MARGIN - 20
            assert box[0] > MARGIN + 100
        assert inked(image_of(card_of("Bridge", "")))[0] <= MARGIN + 20

    def test_draws_han_characters_as_their_region_does(self) -> None:
        values = card_of("骨直刃遥令")._asdict()
        drawn = {Card(**values | {"region": region}).png() for region in REGIONS}
        assert len(drawn) == len(REGIONS)

    @pytest.mark.parametrize(
        ("language", "region"),
        [
            ("ja", "JP"),
            ("ko-KR", "KR"),
            ("zh", "CN"),
            ("zh-Hans-SG", "CN"),
            ("zh-Hant", "TW"),
            ("zh-TW", "TW"),
            ("zh-Hant-HK", "HK"),
            ("en", "JP"),
        ],
    )
    def test_takes_the_region_from_the_language(self, language: str, region: str) -> None:
        assert card.region(language) == region

    @pytest.mark.parametrize("title", UNDRAWN)
    def test_shows_no_boxes_but_the_name_alone_where_it_has_no_letters(self, title: str) -> None:
        assert image_of(card_of(title)).tobytes() == image_of(card_of("")).tobytes()
        assert image_of(card_of(title, title)).tobytes() == image_of(card_of("", "")).tobytes()
        assert (
            image_of(card_of("Ferry", title)).tobytes() == image_of(card_of("", "Ferry")).tobytes()
        )

    def test_leaves_out_emoji_and_what_nobody_sees(self) -> None:
        plain = image_of(card_of("Ferry returns!")).tobytes()
        for title in (
            "🚢 Ferry returns! 🎉",
            "Ferry 👩‍👩‍👧‍👦 returns!",
            "Ferry̶ returns!",
            "\u202eFerry\u2066 returns!\u200b",
            "Ferry \t\n returns!",
        ):
            assert image_of(card_of(title)).tobytes() == plain, title

    def test_needs_no_library_of_the_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pillow's shaping needs FriBiDi, which Lambda's machine does not have."""
        card.drawn.cache_clear()
        shown = card_of("Ferry")
        before = shown.png()
        card.drawn.cache_clear()
        card._font.cache_clear()  # noqa: SLF001 (else the fonts of before would do)
        monkeypatch.setattr("PIL.ImageFont.core.HAVE_RAQM", False)
        assert shown.png() == before


class TestAHeadline:
    @pytest.mark.parametrize(
        "title",
        [*HEADLINES.values(), "War", "Word " * 60, "A" * 300, "Wi-" * 100, "Donau" * 20 + " tagt"],
    )
    def test_stays_within_the_margins(self, title: str) -> None:
        for typeface in ("serif", "sans"):
            size, lines = lines_of(title.strip(), typeface)
            assert 1 <= len(lines) <= dict(card.SIZES)[size]
            left, top, right, bottom = inked(image_of(card_of(title, typeface=typeface)))
            assert left >= MARGIN - 12
            assert right <= WIDTH - MARGIN + 12
            assert top >= 40
            assert bottom <= FOOT - 12

    def test_is_the_larger_the_shorter_it_is(self) -> None:
        sizes = [lines_of("Word " * count)[0] for count in (1, 8, 14, 18, 24, 60)]
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) > 4

    def test_has_lines_of_nearly_one_length(self) -> None:
        _, lines = lines_of("Harbour ferries return after a week of repairs and storms")
        assert max(map(len, lines)) - min(map(len, lines)) < 8

    def test_that_is_too_long_ends_in_an_ellipsis_after_a_word(self) -> None:
        _, lines = lines_of("Lighthouse keepers, " * 15)
        assert lines[-1].endswith(("keepers" + ELLIPSIS, "Lighthouse" + ELLIPSIS))

    def test_in_chinese_or_japanese_breaks_anywhere_but_not_before_what_closes(self) -> None:
        title = "港の時計がまた鳴った。「油と忍耐だけでした」と時計師、三か月の修理を終えて" * 2
        _, lines = lines_of(title)
        assert len(lines) > 2
        assert not any(line.startswith(tuple("。、」っー")) for line in lines)
        assert not any(line.endswith("「") for line in lines)

    def test_in_korean_breaks_between_words(self) -> None:
        title = "여객선이 일주일간의 수리 끝에 마침내 항구로 돌아왔다고 선장이 말했다"
        _, lines = lines_of(title)
        assert " ".join(lines) == title

    def test_that_is_too_long_ends_in_an_ellipsis_where_words_have_no_spaces(self) -> None:
        _, lines = lines_of("船 " + "码头的钟又响了" * 40)
        assert lines[-1].endswith("…")
        assert len(lines[-1]) > 8

    def test_breaks_a_word_that_is_longer_than_a_line_and_loses_none_of_it(self) -> None:
        word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamter"
        assert "".join(lines_of(word)[1]) == word

    @settings(max_examples=60, deadline=None)
    @given(st.text(min_size=0, max_size=300), st.text(max_size=60))
    def test_of_any_characters_is_drawn(self, title: str, site: str) -> None:
        assert image_of(card_of(title, site)).size == (WIDTH, HEIGHT)

    @pytest.mark.parametrize(
        "title",
        [
            "e" + "\u0301" * 299,
            "\u200d" * 300,
            "\ufdfa" * 300,
            "\u202e" * 299 + "x",
            "ﷺ " * 150,
            "अ\u094d" * 150,
            "\u0627\u0651" * 150,
            "\U0001f468\u200d" * 150,
            "\ufffe\uffff\x00" * 100,
            "-" * 300,
        ],
        ids=ascii,
    )
    def test_of_hostile_characters_is_drawn(self, title: str) -> None:
        assert image_of(card_of(title)).size == (WIDTH, HEIGHT)

    def test_that_freetype_refuses_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise OSError("raster overflow")

        empty = image_of(card_of("", "")).tobytes()
        monkeypatch.setattr(card._Page, "headline", refuse)  # noqa: SLF001 (as FreeType does)
        card.drawn.cache_clear()
        found = image_of(card_of("Ferry", "")).tobytes()
        card.drawn.cache_clear()
        assert found == empty


def headers(newsroom: Newsroom) -> dict[str, Any]:
    answer = newsroom.s3.head_object(Bucket=SITE, Key=KEY)
    return {
        "type": answer["ContentType"],
        "cache": answer["CacheControl"],
        "tag": answer["Metadata"]["cache-tag"],
    }


def puts(newsroom: Newsroom, deliver: Callable[[], Any]) -> list[str]:
    """The keys of the site that are written meanwhile."""
    written: list[str] = []

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Bucket"] == SITE:
            written.append(params["Key"])

    newsroom.gate = gate
    deliver()
    newsroom.gate = None
    return written


class TestAnArticle:
    def test_without_a_picture_has_a_card_beside_its_page(self, newsroom: Newsroom) -> None:
        publish(newsroom, "a")
        assert headers(newsroom) == {
            "type": "image/png",
            "cache": CACHE_CONTROL,
            "tag": "site,articles/a",
        }
        assert "/articles/a/card.png?" in newsroom.page("articles/a/index.html")
        newsroom.assert_converged()

    @pytest.mark.parametrize(
        "fields", [{"image": ELSEWHERE}, {"status": "draft"}, {"status": "withdrawn"}]
    )
    def test_of_another_kind_has_none_and_loses_the_one_it_had(
        self, newsroom: Newsroom, fields: dict[str, Any]
    ) -> None:
        publish(newsroom, "b", **fields)
        assert "articles/b/card.png" not in newsroom.site()
        publish(newsroom, "a")
        publish(newsroom, "a", **fields)
        assert KEY not in newsroom.site()
        newsroom.assert_converged()

    def test_that_is_deleted_takes_its_card_with_it(self, newsroom: Newsroom) -> None:
        publish(newsroom, "a")
        assert newsroom.deliver(newsroom.delete("a")) == DONE
        assert KEY not in newsroom.site()
        newsroom.assert_converged()

    def test_whose_picture_is_still_to_come_has_a_card_until_then(self, newsroom: Newsroom) -> None:
        publish(newsroom, "a", image={"src": "media/boat.jpg", "alt": "A boat"})
        assert KEY in newsroom.site()
        newsroom.assert_converged()

    def test_that_shows_a_picture_costs_no_call_more_when_it_is_new(
        self, newsroom: Newsroom
    ) -> None:
        publish(newsroom, "z")
        asked: list[str] = []
        newsroom.gate = lambda _name, params: asked.append(params.get("Key", ""))
        publish(newsroom, "a", image=ELSEWHERE)
        assert KEY not in asked

    def test_that_only_changes_its_text_has_its_card_left_as_it_is(
        self, newsroom: Newsroom
    ) -> None:
        publish(newsroom, "a")
        written = puts(newsroom, lambda: publish(newsroom, "a", body="Changed."))
        assert addresses.page_key("a") in written
        assert KEY not in written

    def test_with_another_headline_gets_another_card(self, newsroom: Newsroom) -> None:
        publish(newsroom, "a")
        before = newsroom.site()[KEY]
        publish(newsroom, "a", title="Ferry stops again")
        assert newsroom.site()[KEY].body != before.body
        newsroom.assert_converged()

    def test_of_another_site_gets_another_card(self, newsroom: Newsroom) -> None:
        publish(newsroom, "a")
        before = newsroom.site()[KEY]
        newsroom.upload_bytes("site.json", json.dumps({"name": "Lantern"}).encode())
        assert newsroom.deliver("site.json") == DONE
        assert newsroom.site()[KEY].body != before.body
        newsroom.assert_converged()

    def test_gets_its_card_back_where_somebody_has_written_over_it(
        self, newsroom: Newsroom
    ) -> None:
        key = publish(newsroom, "a")
        right = newsroom.site()[KEY]
        metadata = {"cache-tag": right.cache_tag, "made-from": right.made_from}
        newsroom.s3.put_object(
            Bucket=SITE,
            Key=KEY,
            Body=b"forged",
            ContentType="image/png",
            CacheControl=right.cache_control,
            Metadata=metadata,
        )
        assert newsroom.deliver(key) == DONE
        assert newsroom.site()[KEY] == right

    def test_whose_card_cannot_be_written_comes_again_and_names_none_meanwhile(
        self, newsroom: Newsroom
    ) -> None:
        key = newsroom.upload("a")
        newsroom.gate = refusing(KEY)
        assert newsroom.deliver(key) != DONE
        newsroom.gate = None
        assert addresses.page_key("a") not in newsroom.site()
        assert newsroom.deliver(key) == DONE
        newsroom.assert_converged()

    def test_by_paths_has_its_card_invalidated_too(
        self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INVALIDATE_BY", "paths")
        publish(newsroom, "a")
        publish(newsroom, "a", title="Ferry stops again")
        assert "/articles/a/card.png" in newsroom.invalidations[-1]
        newsroom.assert_converged()

    def test_without_a_card_to_draw_does_not_import_pillow(self) -> None:
        code = "import app, sys; sys.exit('PIL.Image' in sys.modules)"
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=True
        )


def test_headers_tell_a_card_from_any_other() -> None:
    drawing = Drawing("a", card_of("Ferry"))
    page = drawing.page()
    assert drawing.is_there(page.headers)
    assert page.etag == entity_tag(page.body)
    assert not drawing.is_there(None)
    assert not Drawing("a", card_of("Ferries")).is_there(page.headers)
    values = page.headers._asdict()
    for field in values:
        assert not drawing.is_there(Headers(**values | {field: '"other"'})), field
