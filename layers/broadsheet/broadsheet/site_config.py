"""site.json: what the newsroom says of its site; without it, defaults serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from zoneinfo import ZoneInfo, reset_tzpath

from broadsheet.errors import InvalidError
from broadsheet.theme import Theme
from broadsheet.validation import Problem, check, decode, shown

# The zones of the pinned package tzdata, not those that a machine happens to have: they decide
# months, and the same sources must give the same site everywhere.
reset_tzpath(to=())


@dataclass(frozen=True)
class Link:
    """A link at the head or the foot of every page."""

    title: str
    url: str


@dataclass(frozen=True)
class Publisher:
    """Who answers for the site."""

    name: str
    url: str = ""
    logo: str = ""


@dataclass(frozen=True)
class TdmReservation:
    """Rights to text and data mining are reserved; ``policy`` says on what terms it is allowed."""

    policy: str = ""


@dataclass(frozen=True)
class SiteConfig:
    """The site's configuration; ``timezone`` decides months and the dates shown."""

    name: str = "News"
    description: str = "The latest news"
    language: str = "en"
    timezone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009 (immutable)
    publisher: Publisher | None = None
    navigation: tuple[Link, ...] = ()
    links: tuple[Link, ...] = ()
    ai_policy_url: str = ""
    rights: str = ""
    tdm_reservation: TdmReservation | None = None
    theme: Theme | None = None
    websub_hub: str = ""
    indexnow_key: str = ""

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
            fields["timezone"] = ZoneInfo(fields["timezone"])
        if "publisher" in fields:
            fields["publisher"] = Publisher(**fields["publisher"])
        if "tdm_reservation" in fields:
            fields["tdm_reservation"] = TdmReservation(**fields["tdm_reservation"])
        if "theme" in fields:
            fields["theme"] = Theme.of(fields["theme"])
        for name in ("navigation", "links"):
            fields[name] = tuple(Link(**link) for link in fields.get(name, ()))
        return cls(**fields)


def _zone_problems(zone: str) -> list[Problem]:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        # ZoneInfoNotFoundError is a KeyError; a folder of the database raises OSError.
        expected = "an IANA time zone, such as Europe/Berlin"
        return [Problem("/timezone", f"is {shown(zone)}; expected {expected}")]
    return []
