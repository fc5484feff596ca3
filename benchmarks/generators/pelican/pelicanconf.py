"""What benchmarks/beside.py builds with Pelican; the names are Pelican's settings."""

SITENAME = "Broadsheet"
SITEURL = "https://news.example"
TIMEZONE = "UTC"
PATH = "content"
ARTICLE_PATHS = ["articles"]
OUTPUT_PATH = "public"
THEME = "theme"
THEME_STATIC_PATHS: list[str] = []
DEFAULT_PAGINATION = 30
PAGINATED_TEMPLATES = {"index": 30, "tag": 30}
PAGINATION_PATTERNS = (
    (1, "{base_name}/", "{base_name}/index.html"),
    (2, "{base_name}/page/{number}/", "{base_name}/page/{number}/index.html"),
)
TAG_URL = "topics/{slug}/"
TAG_SAVE_AS = "topics/{slug}/index.html"
AUTHOR_SAVE_AS = CATEGORY_SAVE_AS = ""
DIRECT_TEMPLATES = ["index", "sitemap"]
SITEMAP_SAVE_AS = "sitemap.xml"
FEED_MAX_ITEMS = 30
FEED_ALL_ATOM = FEED_ALL = CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = None
AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = None
FEED_RSS = "rss.xml"
TAG_FEED_RSS = "topics/{slug}/rss.xml"
RSS_FEED_SUMMARY_ONLY = True
