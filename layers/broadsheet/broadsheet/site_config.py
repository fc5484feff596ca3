"""site.json: what the newsroom says of its site; without it, defaults serve."""

from datetime import UTC, tzinfo
from typing import Any, NamedTuple, Self

from broadsheet.errors import InvalidError
from broadsheet.theme import Theme
from broadsheet.validation import Problem, check, decode, shown


class Link(NamedTuple):
    """A link at the head or the foot of every page."""

    title: str
    url: str


class Publisher(NamedTuple):
    """Who answers for the site."""

    name: str
    url: str = ""
    logo: str = ""


class TdmReservation(NamedTuple):
    """Rights to text and data mining are reserved; ``policy`` says on what terms it is allowed."""

    policy: str = ""


class SiteConfig(NamedTuple):
    """The site's configuration; ``timezone`` decides months and the dates shown."""

    name: str = "News"
    description: str = "The latest news"
    language: str = "en"
    timezone: tzinfo = UTC
    publisher: Publisher | None = None
    navigation: tuple[Link, ...] = ()
    links: tuple[Link, ...] = ()
    ai_policy_url: str = ""
    rights: str = ""
    tdm_reservation: TdmReservation | None = None
    theme: Theme | None = None
    websub_hub: str = ""
    indexnow_key: str = ""
    search: bool = True

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read site.json; raises InvalidError with everything that is wrong with it."""
        document, problems = decode(data)
        problems += check(document, "site")
        zone = document.get("timezone") if isinstance(document, dict) else None
        if isinstance(zone, str) and not any(p.path == "/timezone" for p in problems):
            problems += _zone_problems(zone)
        if not problems and "theme" in document:
            problems = Theme.of(document["theme"]).problems()
        if problems:
            raise InvalidError(sorted(set(problems)))
        return cls._from_document(document)

    @classmethod
    def _from_document(cls, document: dict[str, Any]) -> Self:
        fields = {name: value for name, value in document.items() if name != "$schema"}
        if "timezone" in fields:
            fields["timezone"] = _zone(fields["timezone"])
        if "publisher" in fields:
            fields["publisher"] = Publisher(**fields["publisher"])
        if "tdm_reservation" in fields:
            fields["tdm_reservation"] = TdmReservation(**fields["tdm_reservation"])
        if "theme" in fields:
            fields["theme"] = Theme.of(fields["theme"])
        for name in ("navigation", "links"):
            fields[name] = tuple(Link(**link) for link in fields.get(name, ()))
        return cls(**fields)


def _zone(name: str) -> tzinfo:
    """A zone of the pinned package tzdata, not of those that a machine happens to have.

    It decides months, and the same sources must give the same site everywhere.
    """
    from zoneinfo import ZoneInfo, reset_tzpath  # noqa: PLC0415 (only for who names a zone)

    reset_tzpath(to=())
    return ZoneInfo(name)


def _zone_problems(zone: str) -> list[Problem]:
    try:
        _zone(zone)
    except (ValueError, OSError, LookupError):
        # ZoneInfoNotFoundError is a KeyError; a folder of the database raises OSError.
        expected = "an IANA time zone, such as Europe/Berlin"
        return [Problem("/timezone", f"is {shown(zone)}; expected {expected}")]
    return []
