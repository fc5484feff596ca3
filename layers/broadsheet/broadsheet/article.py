"""An article: what its JSON says, once all of it is known to be right."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from broadsheet import addresses
from broadsheet.errors import InvalidError
from broadsheet.validation import Problem, check, decode, pointer, shown

if TYPE_CHECKING:
    from broadsheet.wire import Wire

Disclosure = Literal["none", "assisted", "rewritten", "generated"]
Status = Literal["published", "draft", "withdrawn"]
Expiry = Literal["unlist", "remove"]

# An article with every field at its limit, escaped as \uXXXX throughout, still fits.
OBJECT_BYTES = 10 * 1024 * 1024
BODY_BYTES = 1024 * 1024
# Where an item of a wire or a feed says which format it has.
_WIRES = {"$schema", "standard", "version"}
_YEARS = range(1000, 9999)  # whatever the time zone, the year has four digits
_SLUG_CHARACTERS = 200
_MOST_ITEMS = 100


class Author(NamedTuple):
    """A person or organisation that wrote the article."""

    name: str
    url: str = ""


class Topic(NamedTuple):
    """A topic is its slug; the label is how this article spells it."""

    slug: str
    label: str


class Source(NamedTuple):
    """The original that an article is based on."""

    title: str
    url: str
    author: str = ""
    publisher: str = ""


class Image(NamedTuple):
    """The article's picture; ``src`` is an absolute URL or ``media/NAME``.

    Of one in ``media/`` that was uploaded, ``digest``, ``widths`` and ``formats`` tell its
    variants. Where the size is not known, width and height are 0.
    """

    src: str
    alt: str
    caption: str = ""
    credit: str = ""
    width: int = 0
    height: int = 0
    digest: str = ""
    widths: tuple[int, ...] = ()
    formats: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The image that asdict gave."""
        lists = {name: tuple(value.get(name, ())) for name in ("widths", "formats")}
        return cls(**value | lists)

    @property
    def name(self) -> str | None:
        """NAME of ``media/NAME``; None of a picture that can't be there."""
        return addresses.media_name(self.src)

    @property
    def address(self) -> str:
        """Its URL, or URL path; of variants that of the widest in the format that all take."""
        if self.digest:
            return self._variant("jpg", self.width)
        return f"/{self.src}" if self.src.startswith(addresses.MEDIA) else self.src

    def srcset(self, extension: str) -> str:
        """All variants of a format, as HTML's ``srcset`` wants them."""
        return ", ".join(f"{self._variant(extension, width)} {width}w" for width in self.widths)

    def _variant(self, extension: str, width: int) -> str:
        return "/" + addresses.variant_key(self.name or "", self.digest, width, extension)


class Review(NamedTuple):
    """A human being has read the text and answers for it."""

    by: str
    at: datetime


class Correction(NamedTuple):
    """What was put right, and when."""

    at: datetime
    text: str


class Article(NamedTuple):
    """One article; texts on one line have their white space collapsed, ``body`` is as uploaded."""

    path: str
    title: str
    summary: str
    body: str
    published_at: datetime
    updated_at: datetime | None = None
    expires_at: datetime | None = None
    expiry: Expiry = "unlist"
    preview_until: datetime | None = None
    authors: tuple[Author, ...] = ()
    topics: tuple[Topic, ...] = ()
    source: Source | None = None
    ai_disclosure: Disclosure = "none"
    human_review: Review | None = None
    image: Image | None = None
    language: str = ""
    corrections: tuple[Correction, ...] = ()
    status: Status = "published"
    aliases: tuple[str, ...] = ()
    # Where the upload has the body: what can't be rendered is found out later.
    body_place: str = "/body"

    @classmethod
    def parse(cls, path: str, data: bytes) -> Self:
        """Read an article's JSON; raises InvalidError with everything that is wrong with it.

        An item of a wire or a feed is read as the article that it makes: see `wire`.
        """
        document, problems = decode(data)
        if item := _wired(document):
            document = item.article
        found = check(document, "article")
        if isinstance(document, dict):
            faulty = {problem.path for problem in [*problems, *found]}
            found += [p for p in _beyond_schema(document) if p.path not in faulty]
        if item:
            found = [Problem(item.original(p.path), p.message) for p in found] + item.problems
        problems += found
        if problems:
            raise InvalidError(sorted(set(problems)))
        article = cls._from_document(path, document)
        return article._replace(body_place=item.original("/body")) if item else article

    @classmethod
    def _from_document(cls, path: str, document: dict[str, Any]) -> Self:
        topics: dict[str, Topic] = {}
        for label in document.get("topics", ()):
            slug = addresses.slug(label)
            topics.setdefault(slug, Topic(slug, _line(label)))
        source, image = document.get("source"), document.get("image")
        review = document.get("human_review")
        updated_at, expires_at = document.get("updated_at"), document.get("expires_at")
        preview_until = document.get("preview_until")
        return cls(
            path=path,
            title=_line(document["title"]),
            summary=_line(document["summary"]),
            body=document["body"],
            published_at=_moment(document["published_at"]),
            updated_at=_moment(updated_at) if updated_at else None,
            expires_at=_moment(expires_at) if expires_at else None,
            expiry=document.get("expiry", "unlist"),
            preview_until=_moment(preview_until) if preview_until else None,
            authors=tuple(Author(**_lines(author)) for author in document.get("authors", ())),
            topics=tuple(topics.values()),
            source=Source(**_lines(source)) if source else None,
            ai_disclosure=document.get("ai_disclosure", "none"),
            human_review=Review(_line(review["by"]), _moment(review["at"])) if review else None,
            image=_image(image) if image else None,
            language=document.get("language", ""),
            corrections=tuple(
                Correction(_moment(item["at"]), _line(item["text"]))
                for item in document.get("corrections", ())
            ),
            status=document.get("status", "published"),
            aliases=tuple(document.get("aliases", ())),
        )


def _line(text: str) -> str:
    return " ".join(text.split())


def _lines(texts: dict[str, str]) -> dict[str, str]:
    return {name: _line(text) for name, text in texts.items()}


def _image(value: dict[str, Any]) -> Image:
    """The image that an article names. Half of a size is none."""
    fields: dict[str, Any] = _lines({n: v for n, v in value.items() if isinstance(v, str)})
    if {"width", "height"} <= value.keys():
        fields |= {"width": int(value["width"]), "height": int(value["height"])}
    return Image(**fields)


def _wired(document: Any) -> "Wire | None":
    """The article that an item of a wire or a feed makes; None of what is no such item."""
    if not isinstance(document, dict) or _WIRES.isdisjoint(document):
        return None
    from broadsheet import wire  # noqa: PLC0415 (only for those who have one)

    return wire.read(document)


def is_later(one: object, other: object) -> bool:
    """Whether both are moments, as uploads have them, and the one is later."""
    moments = [_moment_if_any(value) for value in (one, other)]
    return moments[0] is not None and moments[1] is not None and moments[0] > moments[1]


def _moment_if_any(value: object) -> datetime | None:
    try:
        moment = _moment(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


def _beyond_schema(document: dict[str, Any]) -> list[Problem]:
    """What JSON Schema can't say: real dates, their order, sizes in bytes, slugs."""
    problems = []
    body = document.get("body")
    if isinstance(body, str) and (size := len(body.encode(errors="replace"))) > BODY_BYTES:
        problems.append(Problem("/body", f"has {size:,} bytes; expected at most {BODY_BYTES:,}"))
    published = _check_date(("published_at",), document.get("published_at"), problems)
    updated = _check_date(("updated_at",), document.get("updated_at"), problems)
    if published and updated and updated < published:
        message = f"is before published_at; expected {document['published_at']} or later"
        problems.append(Problem("/updated_at", message))
    expires = _check_date(("expires_at",), document.get("expires_at"), problems)
    if published and expires and expires <= published:
        message = f"is not after published_at; expected later than {document['published_at']}"
        problems.append(Problem("/expires_at", message))
    _check_date(("preview_until",), document.get("preview_until"), problems)
    for i, correction in enumerate(_list(document.get("corrections"))):
        if isinstance(correction, dict):
            _check_date(("corrections", i, "at"), correction.get("at"), problems)
    if isinstance(review := document.get("human_review"), dict):
        _check_date(("human_review", "at"), review.get("at"), problems)
    for i, label in enumerate(_list(document.get("topics"))):
        if isinstance(label, str) and not 0 < len(addresses.slug(label)) <= _SLUG_CHARACTERS:
            expected = f"a label whose slug has 1 to {_SLUG_CHARACTERS} letters and digits"
            problems.append(
                Problem(pointer("topics", i), f"is {shown(label)}; expected {expected}")
            )
    return problems


def _list(value: object) -> list[Any]:
    """What is a list, as far as its schema lets it go on."""
    return value[:_MOST_ITEMS] if isinstance(value, list) else []


def _check_date(
    steps: tuple[str | int, ...], value: object, problems: list[Problem]
) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = _moment(value)
    except ValueError:
        expected = "a date and time that exist"
    else:
        if moment.tzinfo is None:
            expected = "a date and time with an offset"
        elif moment.year not in _YEARS:
            expected = f"a year from {_YEARS[0]} to {_YEARS[-1]}"
        else:
            return moment.astimezone(UTC)
    problems.append(Problem(pointer(*steps), f"is {shown(value)}; expected {expected}"))
    return None
