"""What is known of a picture in ``media/``. The media function writes it, the other one reads.

A page shows a picture only as its manifest says, and a manifest is written only once all variants
that it names are there.
"""

import json
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from broadsheet.article import Image


class Manifest(NamedTuple):
    """A picture's variants: none where ``digest`` is empty.

    ``source`` is the entity tag and version of the upload that was last looked at, if there was
    one. ``going`` are digests whose variants are being deleted. ``version`` counts changes, so that
    no manifest is ever equal to an earlier one.
    """

    version: int = 0
    source: tuple[str, ...] = ()
    digest: str = ""
    width: int = 0
    height: int = 0
    widths: tuple[int, ...] = ()
    formats: tuple[str, ...] = ()
    going: tuple[str, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The manifest that ``to_bytes`` gave."""
        value = json.loads(data)
        lists = {name: tuple(value[name]) for name in ("source", "widths", "formats", "going")}
        return cls(**value | lists)

    def to_bytes(self) -> bytes:
        """The manifest as it is stored."""
        return json.dumps(self._asdict(), sort_keys=True).encode()

    def shown(self, image: "Image") -> "Image | None":
        """An article's image with the variants that there are; None where there are none."""
        if not self.digest:
            return None
        return image._replace(
            width=self.width,
            height=self.height,
            digest=self.digest,
            widths=self.widths,
            formats=self.formats,
        )
