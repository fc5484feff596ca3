"""JSON Feed 1 and 1.1: https://www.jsonfeed.org/version/1.1/."""

from collections.abc import Iterator, Mapping
from typing import Any

from broadsheet import wire
from local.importers import files
from local.importers.base import Base
from local.importers.item import ImportFailedError, Item, Picture

VERSION = "jsonfeed.org/version/1"


class JsonFeed(Base):
    """A feed, or a folder with its pages."""

    def items(self) -> Iterator[Item]:
        """The items of each feed; one that comes twice counts once."""
        seen: set[str] = set()
        for file in files.below(self.source, ".json"):
            feed = files.read_json(file)
            if not isinstance(feed, dict) or VERSION not in files.text(feed.get("version")):
                if self.source.is_file():
                    raise ImportFailedError(f"{file} is no JSON Feed: it has no such version")
                continue
            self._learn(feed)
            for value in files.objects(feed.get("items")):
                item = self._item(feed, value)
                if item.id not in seen or not item.id:
                    seen.add(item.id)
                    yield item

    def _learn(self, feed: Mapping[str, Any]) -> None:
        names = {"title": "name", "description": "description", "language": "language"}
        for theirs, ours in names.items():
            self.site.fields.setdefault(ours, files.text(feed.get(theirs)))
        self.site.base_url = self.site.base_url or files.text(feed.get("home_page_url"))

    def _item(self, feed: Mapping[str, Any], value: Mapping[str, Any]) -> Item:
        found = wire.from_feed_item(feed, value, str).article
        identity = value.get("id")
        item = Item(
            id=str(identity) if isinstance(identity, str | int | float) else "",
            title=files.text(found.get("title")),
            html=files.text(found.get("body")),
            published_at=self.moment(found.get("published_at")),
            updated_at=self.moment(value.get("date_modified")),
            summary=files.text(value.get("summary")),
            authors=[
                {k: files.text(v) for k, v in a.items()}
                for a in wire.authors(value) or wire.authors(feed)
            ],
            topics=files.texts(value.get("tags")),
            language=files.text(value.get("language")),
            url=files.text(value.get("url")),
        )
        if not item.id:
            item.skip = "has no id: such an item must be discarded"
        if src := files.text(value.get("image")) or files.text(value.get("banner_image")):
            item.picture = Picture(src)
        if external := files.text(value.get("external_url")):
            item.extra["source"] = {"title": item.title or external, "url": external}
        if attachments := files.objects(value.get("attachments")):
            item.warn(f"{len(attachments)} attachments are left out")
        return item
