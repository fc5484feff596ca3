"""What search knows of a month: one public object, of which a reader's browser fetches parts.

A *segment* has a record for each article, newest first, and BLOCKS blocks of words. A word belongs
to the block that its hash names; a block says of each article which of its words the article has,
by the rest of their hashes. So an article comes or goes by one splice in each block, whatever words
others have, and a query fetches a block for each of its words.

Numbers are little-endian, offsets count from the end of what is before:

    4 bytes          MAGIC
    8 bytes          a digest of all that follows
    4 bytes          number of articles, n
    4 x BLOCKS       where each block ends
    n bytes          length of each record, in units of UNIT bytes
    blocks           n bytes: how many words of each article; 3 bytes for each word, of all articles
    records          JSON: [order, path, title, dek, day, language], and spaces up to the length

A word is the 24 low bits of its CRC-32, of which the two lowest say where it stands; the 8 high
bits name its block. docs/search.md has the reasons. ``static/search.js`` reads this.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from bisect import bisect
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate, islice, pairwise
from operator import or_
from typing import TYPE_CHECKING, NamedTuple, Self

from broadsheet import addresses
from broadsheet.words import indexed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from broadsheet.index import Entry

MAGIC = b"BSS1"
BLOCKS = 256
UNIT = 16
# Words of an article that can be found, those of the title and the dek first.
WORDS = 3_000
DEK_CHARACTERS = 160

_HEAD = struct.Struct("<4s8sI")
_TABLE = struct.Struct(f"<{BLOCKS}I")
_WORD = 3
# What the number of an article's words in a block has room for.
_MOST_IN_BLOCK = 255
# What of a hash tells words apart: all but where it stands.
_KNOWN = 0xFFFFFFFC
# Where a word stands.
_TEXT, _DEK, _TITLE = range(3)
# Milliseconds since 1970 subtracted from this have 15 digits from the year 1000 to 9999, and sort
# the newest first.
_LAST = 900_000_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_PATH_AT = len('[900000000000000,"')


class Document(NamedTuple):
    """What a segment holds of one article: its record, and its words in each block."""

    record: bytes
    blocks: tuple[bytes, ...]

    @classmethod
    def of(cls, entry: Entry, text: str, day: int) -> Self:
        """The document of an article: its entry, its body as plain text, the day of its month."""
        milliseconds = (entry.published_at - _EPOCH) // _MILLISECOND
        fields = (
            _LAST - milliseconds,
            entry.path,
            entry.title,
            _shortened(entry.summary),
            day,
            entry.language,
        )
        record = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        record += b" " * (-len(record) % UNIT)
        headline = [
            entry.summary,
            *(a.name for a in entry.authors),
            *(t.label for t in entry.topics),
        ]
        return cls(
            record, _blocks([(_TITLE, entry.title), (_DEK, " . ".join(headline)), (_TEXT, text)])
        )


@dataclass(frozen=True)
class Segment:
    """The documents of a month, newest first."""

    records: tuple[bytes, ...] = ()
    blocks: tuple[bytes, ...] = (b"",) * BLOCKS

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The segment that ``to_bytes`` gave; raises ValueError of anything else."""
        head = _HEAD.size + _TABLE.size
        if len(data) < head:
            raise ValueError("a segment is longer")
        magic, digest, number = _HEAD.unpack_from(data)
        if magic != MAGIC or digest != _digest(data[_HEAD.size - 4 :]):
            raise ValueError("a segment has another beginning")
        ends = _TABLE.unpack_from(data, _HEAD.size)
        at = head + number
        blocks = tuple(data[at + start : at + end] for start, end in pairwise((0, *ends)))
        lengths = (UNIT * units for units in data[head : head + number])
        cuts = list(accumulate(lengths, initial=head + number + ends[-1]))
        records = tuple(data[start:end] for start, end in pairwise(cuts))
        whole = all(len(b) == number + _WORD * sum(b[:number]) for b in blocks)
        sorted_ = all(one < other for one, other in pairwise(records))
        if not whole or not sorted_ or cuts[-1] != len(data):
            raise ValueError("the parts of a segment fit")
        segment = cls(records, blocks)
        if not all(addresses.article_path(addresses.source_key(path)) for path in segment.paths):
            raise ValueError("a segment has articles only")
        return segment

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Self:
        """The segment of these documents."""
        ordered = sorted(documents, key=lambda document: document.record)
        columns = zip(*(document.blocks for document in ordered), strict=True)
        blocks = tuple(bytes(len(own) // _WORD for own in c) + b"".join(c) for c in columns)
        return cls(tuple(document.record for document in ordered), blocks) if ordered else cls()

    def to_bytes(self) -> bytes:
        """The segment as it is stored."""
        number = len(self.records)
        body = b"".join(
            (
                number.to_bytes(4, "little"),
                _TABLE.pack(*accumulate(map(len, self.blocks))),
                bytes(len(record) // UNIT for record in self.records),
                *self.blocks,
                *self.records,
            )
        )
        return MAGIC + _digest(body) + body

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The articles' paths, newest first."""
        return tuple(map(_path, self.records))

    def documents(self) -> dict[str, Document]:
        """All that the segment holds, by path."""
        number = len(self.records)
        columns = []
        for block in self.blocks:
            cuts = accumulate((_WORD * count for count in block[:number]), initial=number)
            columns.append([block[start:end] for start, end in pairwise(cuts)])
        rows = zip(*columns, strict=True)
        documents = (Document(r, blocks) for r, blocks in zip(self.records, rows, strict=True))
        return dict(zip(self.paths, documents, strict=True))

    def document(self, path: str) -> Document | None:
        """What the segment holds of a path."""
        paths = self.paths
        if path not in paths:
            return None
        at, number = paths.index(path), len(paths)
        cuts = [_words_of(block, number, at) for block in self.blocks]
        blocks = tuple(b[start:end] for b, (start, end) in zip(self.blocks, cuts, strict=True))
        return Document(self.records[at], blocks)

    def merged(self, changes: Mapping[str, Document | None]) -> Self:
        """The segment once each path has the document given, or none."""
        if len(changes) > len(self.records):
            # To splice so many costs more than to put all together anew.
            documents = {**self.documents(), **changes}
            return type(self).of(document for document in documents.values() if document)
        records, blocks, paths = list(self.records), list(self.blocks), list(self.paths)
        for path, document in changes.items():
            if path in paths:
                at, number = paths.index(path), len(paths)
                del paths[at], records[at]
                blocks = [_without(block, number, at) for block in blocks]
            if document:
                at, number = bisect(records, document.record), len(paths)
                paths.insert(at, path)
                records.insert(at, document.record)
                pairs = zip(blocks, document.blocks, strict=True)
                blocks = [_with(block, number, at, own) for block, own in pairs]
        return type(self)(tuple(records), tuple(blocks))


def segment_size(_: str, segment: Segment) -> int:
    """Bytes of memory that a segment takes, rounded up."""
    parts = (*segment.records, *segment.blocks, *segment.paths)
    return 1_000 + sum(len(part) + 64 for part in parts)


def _words_of(block: bytes, number: int, at: int) -> tuple[int, int]:
    """Where the words of an article begin and end in a block of so many articles."""
    start = number + _WORD * sum(block[:at])
    return start, start + _WORD * block[at]


def _without(block: bytes, number: int, at: int) -> bytes:
    start, end = _words_of(block, number, at)
    return block[:at] + block[at + 1 : start] + block[end:]


def _with(block: bytes, number: int, at: int, own: bytes) -> bytes:
    start = number + _WORD * sum(block[:at])
    return block[:at] + bytes([len(own) // _WORD]) + block[at:start] + own + block[start:]


def _blocks(texts: Iterable[tuple[int, str]]) -> tuple[bytes, ...]:
    """The words of texts, each with where it stands first."""
    places: dict[int, int] = {}
    for place, text in texts:
        for word in dict.fromkeys(indexed(text)):
            places.setdefault(zlib.crc32(word.encode()) & _KNOWN, place)
    counts = _counted(places)
    if len(places) > WORDS or max(counts) > _MOST_IN_BLOCK:
        places = dict(islice(_fitting(places), WORDS))
        counts = _counted(places)
    # In their order those of a block stand together, and its number is the first byte of each.
    packed = bytearray(struct.pack(f">{len(places)}I", *sorted(map(or_, places, places.values()))))
    del packed[::4]
    words = bytes(packed)
    ends = accumulate([_WORD * count for count in counts], initial=0)
    return tuple([words[start:end] for start, end in pairwise(ends)])


def _counted(codes: Iterable[int]) -> list[int]:
    """How many words each block has."""
    counts = [0] * BLOCKS
    for code in codes:
        counts[code >> 24] += 1
    return counts


def _fitting(places: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """The words that their blocks have room for, the first of each."""
    counts = [0] * BLOCKS
    for code, place in places.items():
        counts[code >> 24] += 1
        if counts[code >> 24] <= _MOST_IN_BLOCK:
            yield code, place


def _shortened(text: str) -> str:
    """The beginning of a text, cut between words where it has any."""
    if len(text) <= DEK_CHARACTERS:
        return text
    head = text[:DEK_CHARACTERS]
    cut = head.rfind(" ", DEK_CHARACTERS // 2)
    return (head[:cut] if cut > 0 else head) + "…"


def _path(record: bytes) -> str:
    return record[_PATH_AT : record.index(b'"', _PATH_AT)].decode()


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=8).digest()
