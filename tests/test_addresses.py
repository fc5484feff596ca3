"""Keys, URLs, cache tags and slugs."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet import addresses

SEGMENTS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=6).map("/".join)


class TestArticlePath:
    @pytest.mark.parametrize("path", ["a", "0", "a-", "2026/05/ferry-runs-again", "a/b/c/d/e/f"])
    def test_the_key_is_the_path(self, path: str) -> None:
        assert addresses.article_path(f"articles/{path}.json") == path

    @pytest.mark.parametrize(
        "key",
        [
            "site.json",
            "articles/",
            "articles/.json",
            "articles/a",
            "articles/a.JSON",
            "articles/a.json.json",
            "articles/a.json\n",
            "articles/A.json",
            "articles/-a.json",
            "articles/a_b.json",
            "articles/a b.json",
            "articles/ä.json",
            "articles/٣.json",
            "articles//a.json",
            "articles/a//b.json",
            "articles/a/.json",
            "articles/a/-b.json",
            "articles/../a.json",
            "articles/./a.json",
            "articles/%61.json",
            "/articles/a.json",
            "drafts/articles/a.json",
            "receipts/articles/a.json",
        ],
    )
    def test_another_key_has_none(self, key: str) -> None:
        assert addresses.article_path(key) is None

    def test_a_path_is_as_long_as_all_keys_made_of_it_can_be(self) -> None:
        path = "a" * (addresses.KEY_BYTES - len("receipts/articles/.json"))
        assert addresses.article_path(addresses.source_key(path)) == path
        assert addresses.article_path(addresses.source_key(path + "a")) is None
        source = addresses.source_key(path)
        assert len(addresses.receipt_key(source)) == addresses.KEY_BYTES
        assert addresses.receipt_key(source) == f"receipts/{source}"
        for key in (source, addresses.page_key(path), addresses.record_key(path)):
            assert len(key) <= addresses.KEY_BYTES

    @given(PATHS)
    def test_source_key_and_path_are_inverses(self, path: str) -> None:
        assert addresses.article_path(addresses.source_key(path)) == path

    @given(st.text())
    def test_no_two_keys_have_one_path(self, text: str) -> None:
        key = f"articles/{text}.json"
        path = addresses.article_path(key)
        assert path is None or addresses.source_key(path) == key


class TestKeys:
    def test_state_is_kept_under_an_underscore_and_pages_are_not(self) -> None:
        state = [
            addresses.record_key("a"),
            addresses.month_index_key("2026/05"),
            addresses.scope_index_key(""),
            addresses.scope_index_key("ferries"),
        ]
        public = [
            addresses.page_key("a"),
            addresses.month_sitemap("2026/05"),
            f"{addresses.folder('ferries')}index.html",
            addresses.HOME,
            addresses.ARCHIVE,
            addresses.SITEMAP,
            addresses.NOT_FOUND,
            addresses.ROBOTS,
        ]
        assert all(key.startswith("_") for key in state)
        assert not any(key.startswith("_") for key in public)
        assert len({*state, *public}) == len(state) + len(public)

    def test_a_topic_called_site_is_not_the_site(self) -> None:
        assert addresses.scope_index_key("site") != addresses.scope_index_key("")

    @pytest.mark.parametrize(
        ("key", "url"),
        [
            ("index.html", "/"),
            ("archive/index.html", "/archive/"),
            ("articles/2026/a/index.html", "/articles/2026/a/"),
            ("topics/ferries/2026/05/index.html", "/topics/ferries/2026/05/"),
            ("rss.xml", "/rss.xml"),
            ("sitemap-2026-05.xml", "/sitemap-2026-05.xml"),
        ],
    )
    def test_a_page_is_read_at_its_folder(self, key: str, url: str) -> None:
        assert addresses.url_path(key) == url

    def test_a_month_has_its_sitemap_at_the_root(self) -> None:
        assert addresses.month_sitemap("2026/05") == "sitemap-2026-05.xml"


class TestReceiptKey:
    def test_it_is_the_source_key_under_receipts(self) -> None:
        assert addresses.receipt_key("articles/a/b.json") == "receipts/articles/a/b.json"
        assert addresses.receipt_key("articles/The Ferry.txt") == "receipts/articles/The Ferry.txt"

    @pytest.mark.parametrize("letter", ["x", "ü", "😀"])
    def test_of_a_key_too_long_for_that_it_is_a_digest(self, letter: str) -> None:
        longest = addresses.KEY_BYTES // len(letter.encode())
        one, other = letter * longest, letter * (longest - 1) + "y"
        keys = {addresses.receipt_key(one), addresses.receipt_key(other)}
        assert len(keys) == 2
        for key in keys:
            assert key.startswith("receipts/sha256/")
            assert len(key.encode()) <= addresses.KEY_BYTES

    def test_it_never_triggers_anything(self) -> None:
        for key in ("articles/a.json", "site.json", "x" * 1024):
            assert addresses.article_path(addresses.receipt_key(key)) is None


class TestArticleTag:
    @given(PATHS)
    def test_it_names_the_article(self, path: str) -> None:
        assert addresses.article_tag(path) == f"articles/{path}"

    def test_it_has_at_most_256_characters_of_ascii_without_commas(self) -> None:
        longest = "a" * (addresses.TAG_CHARACTERS - len("articles/"))
        assert addresses.article_tag(longest) == f"articles/{longest}"
        tags = {addresses.article_tag(longest + end) for end in "ab"}
        assert len(tags) == 2
        for tag in tags:
            assert len(tag) <= addresses.TAG_CHARACTERS
            assert set(tag) <= set(string.ascii_lowercase + string.digits + "/-")


class TestSlug:
    @pytest.mark.parametrize(
        ("label", "slug"),
        [
            ("Ferries", "ferries"),
            ("  Harbour & Ferries!  ", "harbour-ferries"),
            ("CO₂", "co2"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Ｆｕｌｌ ｗｉｄｔｈ", "full-width"),
            ("ﬁnance", "finance"),
            ("Crème brûlée", "creme-brulee"),
            ("Cre\u0300me bru\u0302le\u0301e", "creme-brulee"),
            ("a--b__c", "a-b-c"),
            ("Москва", "moskva"),
            ("№ 5", "no-5"),
            ("!!!", ""),
            ("", ""),
            (" \u3000 ", ""),
            ("\u200b", ""),
        ],
    )
    def test_is_made_of_the_label(self, label: str, slug: str) -> None:
        assert addresses.slug(label) == slug

    @pytest.mark.parametrize(
        "label", ["東京", "القاهرة", "ירושלים", "서울", "Αθήνα", "ไทย", "हिन्दी"]
    )
    def test_every_script_has_one(self, label: str) -> None:
        assert addresses.slug(label)

    @given(st.text())
    def test_is_part_of_a_url(self, label: str) -> None:
        slug = addresses.slug(label)
        assert set(slug) <= set(string.ascii_lowercase + string.digits + "-")
        assert slug == slug.strip("-")
        assert "--" not in slug

    @given(st.text())
    def test_of_a_slug_is_itself(self, label: str) -> None:
        slug = addresses.slug(label)
        assert addresses.slug(slug) == slug

    @given(st.text(alphabet=string.ascii_letters + "äöüßéÉ ﬁ", min_size=1))
    def test_does_not_depend_on_upper_or_lower_case(self, label: str) -> None:
        assert addresses.slug(label.upper()) == addresses.slug(label.casefold())


class TestKeysOfTheSite:
    """What a key of the site bucket is, told from the key alone."""

    @pytest.mark.parametrize(
        "key",
        [
            "٢٠٢٦/01/index.html",  # digits, but none that a month is written with
            "sitemap-٢٠٢٦-01.xml",
            "topics/-/index.html",  # no slug begins or ends with a hyphen
            "topics/a-/rss.xml",
            "topics/a--b/2026/01/index.html",
            "2026/13/index.html",
        ],
    )
    def test_a_listing_that_nobody_writes_is_none(self, key: str) -> None:
        assert addresses.listed_place(key) is None

    def test_an_index_that_nobody_writes_is_none(self) -> None:
        assert addresses.indexed_month("_index/٢٠٢٦/01.json") is None
        assert addresses.indexed_scope("_index/topics/-.json") is None

    def test_a_page_whose_article_could_have_no_receipt_is_none(self) -> None:
        assert addresses.paged_path(addresses.page_key("a" * 1001)) == "a" * 1001
        assert addresses.paged_path(addresses.page_key("a" * 1002)) is None
