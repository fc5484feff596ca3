"""WordPress eXtended RSS, the export of Tools → Export: read as a stream, however large.

Declarations of types and entities are refused, so that no export can refer to files or grow
without end (https://docs.python.org/3/library/xml.html#xml-security).
"""

from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from local.importers.item import ImportFailedError

Fields = dict[str, str]
# What XML can't have, but exports do: it becomes a space. https://www.w3.org/TR/xml/#charsets
_TABLE = bytes.maketrans(bytes(range(32)), bytes(b if b in b"\t\n\r" else 32 for b in range(32)))


class _Clean(RawIOBase):
    """A file without the control characters at which a parser of XML would give up."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("rb")

    def read(self, size: int = -1, /) -> bytes:
        """Some bytes, as many as there would be."""
        return self._file.read(size).translate(_TABLE)

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def elements(file: Path) -> Iterator[tuple[str, Element]]:
    """Each element directly below the channel, by its name without a namespace.

    It is empty once the next one is asked for. Raises ImportFailedError where the file is no WXR.
    """
    path: list[Element] = []
    try:
        with _Clean(file) as stream:
            for event, element in iterparse(stream, ("start", "end"), forbid_dtd=True):
                if event == "start":
                    path.append(element)
                    continue
                path.pop()
                if path[1:] and not path[2:] and local(path[-1]) == "channel":
                    yield local(element), element
                    path[-1].remove(element)
    except DefusedXmlException as error:
        raise ImportFailedError(f"{file} declares types or entities, which is refused") from error
    except ParseError as error:
        raise ImportFailedError(f"{file} is not XML: {error}") from error
    except OSError as error:
        raise ImportFailedError(f"{file} can't be read: {error.strerror}") from error


def local(element: Element) -> str:
    """The name of an element without its namespace, of which each version has another."""
    name = str(element.tag).rpartition("}")
    return "excerpt" if name[2] == "encoded" and "excerpt" in name[0] else name[2]


def fields(element: Element) -> Fields:
    """The texts of an element's children, by their names."""
    return {local(child): child.text or "" for child in element if not len(child)}


def meta(element: Element) -> Fields:
    """What plugins and WordPress itself keep with an item, by its key."""
    pairs = (fields(child) for child in element if local(child) == "postmeta")
    return {pair.get("meta_key", ""): pair.get("meta_value", "") for pair in pairs}
