"""Where everything lives: keys in both buckets, URLs and cache tags. Nobody else joins them.

A *path* is the PATH of ``articles/PATH.json``; a *month* is ``YYYY/MM``; a *topic* is its slug, and
the empty topic stands for the whole site wherever a scope is meant.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from urllib.parse import unquote_to_bytes

SITE_JSON = "site.json"
ARTICLES = "articles/"
MEDIA = "media/"
PREVIEWS = "previews/"
# Of the source bucket: what makes previews' addresses impossible to guess.
PREVIEW_SECRET = "previews/secret"  # noqa: S105 (its key)
ROOT_INDEX = "_index/site.json"
RECORDS = "_record/"
REPAIRS = "_repairs.json"
HOME = "index.html"
ARCHIVE = "archive/index.html"
SITEMAP = "sitemap.xml"
NOT_FOUND = "404.html"
ROBOTS = "robots.txt"
ICON = "icon.svg"
FEED_STYLE = "feed.css"
TDM_POLICY = ".well-known/tdmrep.json"
INDEXNOW = "indexnow.txt"
NEWS_SITEMAP = "news-sitemap.xml"
THEME = "theme.css"
SEARCH = "search/index.html"
# In the folder of each scope.
FEEDS = ("rss.xml", "atom.xml", "feed.json")

TAG_EVERYTHING = "site"
TAG_LISTINGS = "listings"
TAG_REDIRECTS = "redirects"

# What depends on site.json alone.
FIXED = frozenset({NOT_FOUND, ROBOTS, FEED_STYLE, TDM_POLICY, INDEXNOW, ICON, THEME})

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html: 1,024 bytes of UTF-8.
KEY_BYTES = 1024
# CloudFront takes cache tags of up to 256 ASCII characters.
TAG_CHARACTERS = 256

# Patterns that few publishes ask for are texts: `re` compiles, and keeps, those that are asked for.
# Both a variant's key and a cache tag have room for more than this.
_NAME_CHARACTERS = 200
# No folder has a dot, so that no picture's name is the beginning of another's variants.
_NAME = r"(?:[A-Za-z0-9][A-Za-z0-9_-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*\.(?i:avif|gif|jpe?g|png|webp)"
_MEDIA_KEY = rf"media/({_NAME})"
_VARIANT_KEY = rf"media/({_NAME})/([0-9a-f]{{16}})/[0-9]+\.[a-z]+"
_SEGMENT = r"[a-z0-9][a-z0-9-]*"
_SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_YEAR, _MONTH = "[0-9]{4}", "(?:0[1-9]|1[0-2])"
_PAGE_KEY = rf"articles/({_SEGMENT}(?:/{_SEGMENT})*)/index\.html"
_PREVIEW_KEY = r"previews/([a-z2-7]{32})/index\.html"
_CARD_KEY = rf"articles/({_SEGMENT}(?:/{_SEGMENT})*)/card\.png"
_SCOPE_KEY = rf"_index/(?:topics/({_SLUG})|site)\.json"
_SEGMENT_KEY = rf"search/({_YEAR}/{_MONTH})\.idx"
_MONTH_KEY = rf"_index/({_YEAR}/{_MONTH})\.json"
_FOLDER = rf"(?:topics/(?P<topic>{_SLUG})/)?"
_LISTING_KEYS = (
    rf"{_FOLDER}(?:index\.html|rss\.xml|atom\.xml|feed\.json)",
    rf"{_FOLDER}(?P<month>{_YEAR}/{_MONTH})/index\.html",
    rf"sitemap-(?P<month>{_YEAR}-{_MONTH})\.xml",
    r"(?:archive|search)/index\.html|(?:news-)?sitemap\.xml",
)
_ALIAS_KEY = r"(?s)_alias(/.+)\.json"
# An old page's name may end like this; any other ending is that of a file.
_PAGE_ENDINGS = {"asp", "aspx", "cfm", "htm", "html", "jsp", "php", "shtml", "xhtml"}
_ENDING = r"\.([A-Za-z][A-Za-z0-9]*)\Z"
_STRAY_PERCENT = r"%(?![0-9A-Fa-f]{2})"
_ARTICLE_KEY = re.compile(rf"articles/({_SEGMENT}(?:/{_SEGMENT})*)\.json")
# The longest of an article's own keys: its receipt, receipts/articles/PATH.json.
_PATH_BYTES = KEY_BYTES - len("receipts/articles/.json")
# 160 bits, as Base32 has five in each of its letters.
_TOKEN_BYTES = 20


def article_path(key: str) -> str | None:
    """PATH of an article's key in the source bucket; None where the key can't be an article's."""
    match = _ARTICLE_KEY.fullmatch(key)
    return match[1] if match and len(match[1]) <= _PATH_BYTES else None


def source_key(path: str) -> str:
    """The article JSON's key in the source bucket."""
    return f"articles/{path}.json"


def page_key(path: str) -> str:
    """The article page's key in the site bucket."""
    return f"articles/{path}/index.html"


def paged_path(key: str) -> str | None:
    """PATH of an article page's key in the site bucket; None where the key can't be a page's."""
    match = re.fullmatch(_PAGE_KEY, key)
    return match[1] if match and len(match[1]) <= _PATH_BYTES else None


def card_key(path: str) -> str:
    """The key of the picture that stands for an article without one."""
    return f"articles/{path}/card.png"


def carded_path(key: str) -> str | None:
    """PATH of a card's key in the site bucket; None where the key can't be a card's."""
    match = re.fullmatch(_CARD_KEY, key)
    return match[1] if match and len(match[1]) <= _PATH_BYTES else None


def preview_token(secret: bytes, path: str) -> str:
    """What makes the address of an article's preview: nobody finds it without the secret."""
    digest = hmac.digest(secret, path.encode(), "sha256")[:_TOKEN_BYTES]
    return base64.b32encode(digest).decode().lower()


def preview_key(token: str) -> str:
    """The key of the page that shows an article which is not public yet."""
    return f"{PREVIEWS}{token}/index.html"


def previewed(key: str) -> str | None:
    """The token of a preview's key; None of any other key."""
    match = re.fullmatch(_PREVIEW_KEY, key)
    return match[1] if match else None


def record_key(path: str) -> str:
    """The key of an article's record: where it has ever been listed."""
    return f"{RECORDS}{source_key(path)}"


def receipt_key(key: str) -> str:
    """The key of a source key's receipt; of its digest where the whole would not fit in a key."""
    if len(f"receipts/{key}".encode()) <= KEY_BYTES:
        return f"receipts/{key}"
    return f"receipts/sha256/{hashlib.sha256(key.encode()).hexdigest()}.json"


def month_index_key(month: str) -> str:
    """The key of a month's index."""
    return f"_index/{month}.json"


def scope_index_key(topic: str) -> str:
    """The key of a scope's index: a topic's or, for the empty topic, the whole site's."""
    return f"_index/topics/{topic}.json" if topic else ROOT_INDEX


def segment_key(month: str) -> str:
    """The key of what search knows of a month."""
    return f"search/{month}.idx"


def searched_month(key: str) -> str | None:
    """The month of which search knows what has this key; None of any other key."""
    match = re.fullmatch(_SEGMENT_KEY, key)
    return match[1] if match else None


def indexed_month(key: str) -> str | None:
    """The month whose index has this key; None of any other key."""
    match = re.fullmatch(_MONTH_KEY, key)
    return match[1] if match else None


def indexed_scope(key: str) -> str | None:
    """The topic whose index has this key, empty for the whole site's; None of any other key."""
    match = re.fullmatch(_SCOPE_KEY, key)
    return match[1] or "" if match else None


def listed_place(key: str) -> tuple[str, str] | None:
    """The topic and month that a public key lists, empty where it lists all of them; or None."""
    for pattern in _LISTING_KEYS:
        if match := re.fullmatch(pattern, key):
            found = match.groupdict()
            return found.get("topic") or "", (found.get("month") or "").replace("-", "/")
    return None


def folder(topic: str) -> str:
    """What every public key of a scope begins with."""
    return f"topics/{topic}/" if topic else ""


def month_sitemap(month: str) -> str:
    """The key of a month's sitemap. At the root, where a sitemap may name any URL of the host."""
    return f"sitemap-{month.replace('/', '-')}.xml"


def url_path(key: str) -> str:
    """The URL path, from "/", at which a public key is read."""
    return "/" + key.removesuffix("index.html")


def article_tag(path: str) -> str:
    """The cache tag that an article's page and card have to themselves."""
    tag = f"articles/{path}"
    if len(tag) <= TAG_CHARACTERS:
        return tag
    return f"articles/{hashlib.sha256(path.encode()).hexdigest()}"


def alias_path(text: str) -> str | None:
    """The canonical path of an old address; None where it can't lead anywhere else.

    ``/x``, ``x/``, ``/x/index.html`` and ``/%78`` are all ``/x``. What is or might become one of
    the site's own objects, but for an article's page, is none; nor is what can't be a page's, such
    as ``/ads.txt``, or what no request can ask for.
    """
    if re.search(_STRAY_PERCENT, text):
        return None
    try:
        path = "/" + unquote_to_bytes(text).decode().removeprefix("/")
    except UnicodeDecodeError:
        return None
    path = re.sub(r"/(?:index\.html)?\Z", "", path)
    segments = path.split("/")[1:]
    if not segments or {"", ".", ".."} & {*segments} or not path.isprintable():
        return None
    ending = re.search(_ENDING, path)
    if ending and ending[1].lower() not in _PAGE_ENDINGS:
        return None
    own = listed_place(path[1:]) or listed_place(f"{path[1:]}/index.html")
    reserved = path[1:] in FIXED or path.startswith(
        ("/_", "/.well-known/", f"/{MEDIA}", f"/{PREVIEWS}")
    )
    return None if own or reserved else path


def redirect_key(path: str) -> str:
    """The key of the page that leads on from an alias, by its canonical path; "" if there is none.

    There is where the function may write it: nowhere at the root, and nothing but HTML.
    """
    name = path.rpartition("/")[2]
    if "." not in name:
        return f"{path[1:]}/index.html"
    return path[1:] if name.endswith(".html") and "/" in path[1:] else ""


def alias_key(path: str) -> str:
    """The key of what is known of an alias: which articles claim it."""
    return f"_alias{path}.json"


def aliased(key: str) -> str | None:
    """The canonical path of an alias of which this key tells; None of any other key."""
    match = re.fullmatch(_ALIAS_KEY, key)
    return match[1] if match else None


def redirected(key: str) -> str:
    """The canonical path of an alias whose page might have this public key."""
    return "/" + key.removesuffix("/index.html")


def article_address(path: str) -> str:
    """The canonical path at which an article's page is read."""
    return f"/articles/{path}"


def media_name(key: str) -> str | None:
    """NAME of ``media/NAME``; None where nothing can be published under that key."""
    match = re.fullmatch(_MEDIA_KEY, key)
    return match[1] if match and len(match[1]) <= _NAME_CHARACTERS else None


def media_key(name: str) -> str:
    """A picture's key in the source bucket; and what its variants' keys begin with, and a slash."""
    return f"{MEDIA}{name}"


def variant_key(name: str, digest: str, width: int, extension: str) -> str:
    """The key of a picture in one width and format. What lies there never changes."""
    return f"media/{name}/{digest}/{width}.{extension}"


def variant_of(key: str) -> tuple[str, str] | None:
    """NAME and digest of a variant's key; None of any other key."""
    match = re.fullmatch(_VARIANT_KEY, key)
    return (match[1], match[2]) if match else None


def manifest_key(name: str) -> str:
    """The key of what is known of a picture."""
    return f"_media/{name}.json"


def uses_folder(name: str) -> str:
    """What the marks of all articles that ever showed a picture begin with.

    It has a digest, since both names in full need not fit in a key.
    """
    return f"_use/{hashlib.sha256(name.encode()).hexdigest()[:16]}/"


def use_key(name: str, path: str) -> str:
    """The key of the mark that an article shows, or showed, a picture."""
    return uses_folder(name) + path


def media_tag(name: str) -> str:
    """The cache tag of a picture's variants."""
    return f"media/{name}"


def slug(label: str) -> str:
    """A topic's slug: NFKC, case-folded, in ASCII letters, digits and hyphens; may be empty."""
    text = unicodedata.normalize("NFKC", label).casefold()
    if not text.isascii():
        from anyascii import anyascii  # noqa: PLC0415 (many sites have no such label)

        text = anyascii(text).lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")
