"""What all importers do alike."""

from pathlib import Path
from zoneinfo import ZoneInfo

from local.importers import files, pictures
from local.importers.item import Item, Options, Site

UTC = ZoneInfo("UTC")


class Base:
    """An export at ``source``, and where its pictures may lie.

    ``uploads`` are the parts of an address behind which the name of an upload begins.
    """

    uploads: tuple[str, ...] = ()

    def __init__(self, source: Path, options: Options) -> None:
        self.source = source
        self.options = options
        self.folder = source if source.is_dir() else source.parent
        self.timezone = options.timezone or UTC
        self.site = Site(base_url=options.base_url.rstrip("/"))
        if options.timezone:
            self.site.fields["timezone"] = options.timezone.key

    def media_folders(self) -> list[Path]:
        """The folders that hold uploads, the user's first."""
        beside = [self.folder / part.strip("/") for part in self.uploads]
        return [*([self.options.media] if self.options.media else []), *beside]

    def find_picture(self, src: str, item: Item) -> Path | None:  # noqa: ARG002 (others need it)
        """The file of a picture: see `Importer`."""
        if not self.site.is_own(self.site.absolute(src)) and self.site.base_url:
            return None
        for part in self.uploads:
            relative = pictures.after(src, part)
            for folder in self.media_folders() if relative else []:
                if found := pictures.inside(folder, relative or ""):
                    return found
        return None

    def picture_name(self, file: Path) -> str:
        """The name of a picture that was found: its path below the folder that has it."""
        for folder in [*self.media_folders(), self.folder]:
            if folder.is_dir() and file.is_relative_to(folder.resolve()):
                return file.relative_to(folder.resolve()).as_posix()
        return file.name

    def moment(self, value: object) -> str:
        """A date as RFC 3339; one that names no offset is in the export's time zone."""
        return files.date(value, self.timezone)
