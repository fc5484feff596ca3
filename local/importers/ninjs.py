"""IPTC ninjs 2 and 3: https://iptc.org/standards/ninjs/."""

from collections.abc import Iterator, Mapping
from typing import Any

from broadsheet import wire
from local.importers import files
from local.importers.base import Base
from local.importers.item import ImportFailedError, Item, Picture

# What of an item has no place in an article; in ninjs 3's spelling.
_LEFT_OUT = {
    "usageTerms": "usage terms",
    "copyrightNotice": "copyright notice",
    "rightsInfo": "rights information",
    "expires": "date of expiry",
    "edNote": "note to editors",
}


class Ninjs(Base):
    """An item, a list of items, or a folder of such files."""

    def items(self) -> Iterator[Item]:
        """All items; those that are no texts are told, but left out."""
        for file in files.below(self.source, ".json"):
            found = files.read_json(file)
            values = files.objects(found if isinstance(found, list) else [found])
            values = [value for value in values if value.get("uri")]
            if not values and self.source.is_file():
                raise ImportFailedError(f"{file} has no ninjs item: none has a uri")
            yield from (self._item(value) for value in values)

    def _item(self, value: Mapping[str, Any]) -> Item:
        found = wire.from_ninjs(value, str)
        article = found.article
        image = article.get("image", {})
        item = Item(
            id=str(value["uri"]),
            title=files.text(article.get("title")),
            html=files.text(article.get("body")),
            published_at=self.moment(article.get("published_at")),
            updated_at=self.moment(article.get("updated_at")),
            summary=files.text(article.get("summary")),
            authors=[{"name": files.text(a.get("name"))} for a in article.get("authors", [])],
            topics=[files.text(s.get("name")) for s in files.objects(value.get("subjects"))],
            language=files.text(article.get("language")),
            status=article.get("status", "published"),
            path=files.text(value.get("slugline")),
        )
        if image:
            item.picture = Picture(**image)
        if "ai_disclosure" in article:
            item.extra["ai_disclosure"] = article["ai_disclosure"]
        self._check(item, value, found)
        return item

    @staticmethod
    def _check(item: Item, value: Mapping[str, Any], found: wire.Wire) -> None:
        if not item.html:
            item.skip = f"has no text; it is of type {files.text(value.get('type')) or 'unknown'}"
        for problem in found.problems:
            item.skip = f"{problem.path} {problem.message}"
        for name, said in _LEFT_OUT.items():
            if value.get(name) or value.get(name.lower()):
                item.warn(f"the {said} is left out")
