"""What the CDN may hold an old copy of, and the fewest items that invalidate it."""

from __future__ import annotations

from broadsheet import addresses

# Above this many articles in one invalidation, one tag that all pages bear is cheaper than theirs.
MOST_TAGS = 25
# Above this many paths, where there are no tags, "/*" is.
MOST_PATHS = 100


class Stale:
    """Old copies that the CDN may hold.

    ``articles`` are paths, of which page and card may be old; ``previews`` are tokens of theirs.
    ``listings``, ``redirects`` (pages that lead on) and ``orphans`` (previews of no article) are
    keys of the site bucket; ``replaced`` are the paths of articles whose pages became redirects.
    """

    def __init__(self) -> None:
        self.everything = False
        self.articles: set[str] = set()
        self.previews: set[str] = set()
        self.listings: set[str] = set()
        self.redirects: set[str] = set()
        self.replaced: set[str] = set()
        self.orphans: set[str] = set()

    def tags(self) -> list[str]:
        """Cache tags, each after a # as CreateInvalidation wants them."""
        articles = self.articles | self.replaced
        if self.everything or len(articles) > MOST_TAGS:
            return [f"#{addresses.TAG_EVERYTHING}"]
        tags = {addresses.article_tag(path) for path in articles}
        if self.listings:
            tags.add(addresses.TAG_LISTINGS)
        if self.redirects:
            tags.add(addresses.TAG_REDIRECTS)
        return [f"#{tag}" for tag in sorted(tags)]

    def paths(self) -> list[str]:
        """Paths as asked for and as the edge function rewrites them: CloudFront wants both.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
        """
        own = (addresses.page_key, addresses.card_key)
        keys = self.listings | self.redirects | self.orphans
        keys |= {key(path) for path in self.articles for key in own}
        keys |= {addresses.preview_key(token) for token in self.previews}
        if self.everything or len(keys) > MOST_PATHS:
            return ["/*"]
        return sorted({addresses.url_path(key) for key in keys} | {f"/{key}" for key in keys})
