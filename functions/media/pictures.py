"""Pictures as bytes: an upload in, its variants out. Pure: one Pillow gives the same bytes always.

Nothing of an upload's bytes is ever published, only its pixels, encoded anew. So there is no
metadata (a camera's place and serial number), no script, and nothing hidden behind the picture.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from functools import cached_property
from typing import Any

import PIL
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from broadsheet.errors import InvalidError
from broadsheet.validation import Problem

# The most that an upload may have, and the frame into which the largest variant is fitted.
PIXELS = 50_000_000
WIDTHS = (320, 640, 960, 1280, 1920)
HEIGHT = 3840
# AVIF's bytes depend on the number of threads.
ENCODERS: dict[str, dict[str, Any]] = {
    "avif": {"format": "AVIF", "quality": 60, "speed": 6, "max_threads": 1},
    "webp": {"format": "WEBP", "quality": 80, "method": 4},
    "jpg": {"format": "JPEG", "quality": 80, "progressive": True, "optimize": True},
}
# All that decides what a variant of a given upload looks like; the number stands for this code.
RECIPE = f"1 {PIL.__version__} {WIDTHS} {HEIGHT} {ENCODERS}"
# What is tried on an upload; Pillow knows many more.
TYPES = ("AVIF", "GIF", "JPEG", "PNG", "WEBP")
EXPECTED = "a JPEG, PNG, WebP, AVIF or GIF; SVG is never published, as it can carry scripts"

_SRGB = ImageCms.createProfile("sRGB")
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
# How a camera was held, as Exif counts it.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {5, 6, 7, 8}


class Picture:
    """One upload as it is shown; of an animation, its first frame.

    Raises InvalidError for what is no picture, or one too large to be handled.
    """

    extensions = tuple(ENCODERS)

    def __init__(self, name: str, data: bytes) -> None:
        # With its name, so that each digest is of one picture, whatever else looks the same.
        self.digest = hashlib.sha256(f"{RECIPE}\n{name}\n".encode() + data).hexdigest()[:16]
        # That it can be shown is seen here, not when a variant is made.
        self._image = _understood(data)
        self.width, self.height = self._image.size

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of its variants: its own, and all smaller ones of WIDTHS."""
        return (*(width for width in WIDTHS if width < self.width), self.width)

    def variant(self, width: int, extension: str) -> bytes:
        """The picture in one width and format."""
        image = self._flat if extension == "jpg" else self._image
        if width != self.width:
            height = max(1, round(self.height * width / self.width))
            image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        # What Pillow knows of the upload, it would write.
        image.info = {}
        file = io.BytesIO()
        image.save(file, **ENCODERS[extension])
        return file.getvalue()

    @cached_property
    def _flat(self) -> Image.Image:
        """The picture on white, since JPEG knows no transparency."""
        if self._image.mode == "RGB":
            return self._image
        white = Image.new("RGBA", self._image.size, "white")
        return Image.alpha_composite(white, self._image).convert("RGB")


def _understood(data: bytes) -> Image.Image:
    """The upload as it is shown; whatever its decoder makes of it otherwise, as InvalidError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # What Pillow only warns of up to twice the limit.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return _shown(data)
        except InvalidError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _invalid(f"has too many pixels; expected at most {PIXELS:,}") from error
        except UnidentifiedImageError as error:
            raise _invalid(f"is no picture of a known type; expected {EXPECTED}") from error
        except Exception as error:
            message = f"is damaged or cut short ({error}); expected {EXPECTED}"
            raise _invalid(message) from error


def _invalid(message: str) -> InvalidError:
    return InvalidError([Problem("", message)])


def _shown(data: bytes) -> Image.Image:
    """The upload's first frame: upright, in sRGB, RGBA only where it is transparent somewhere."""
    image: Image.Image = Image.open(io.BytesIO(data), formats=TYPES)
    if image.width * image.height > PIXELS:
        pixels = f"{image.width:,} x {image.height:,}"
        raise _invalid(f"has {pixels} pixels; expected at most {PIXELS:,} in all")
    # Only now: to look for a PNG's Exif Pillow decodes it.
    orientation = _orientation(image)
    size = _fitted(image.size, sideways=orientation in _SIDEWAYS)
    # A JPEG is decoded no larger than needed.
    image.draft(None, (2 * size[0], 2 * size[1]))
    image.load()
    profile = image.info.get("icc_profile")
    image = _plain(image)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    image = _in_srgb(image, profile)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    return image


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 (damaged metadata is as good as none)
        return 1
    return found if isinstance(found, int) else 1


def _fitted(size: tuple[int, int], *, sideways: bool) -> tuple[int, int]:
    """The size at which the largest variant fits into its frame, once it is turned."""
    width, height = size
    frame = (HEIGHT, WIDTHS[-1]) if sideways else (WIDTHS[-1], HEIGHT)
    scale = min(1, frame[0] / width, frame[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _plain(image: Image.Image) -> Image.Image:
    """The same in L, RGB, RGBA or CMYK, with eight bits for each."""
    if image.mode.startswith("I"):
        # Sixteen bits of grey, which convert() would cut off at 255.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours that a profile means; without one, or with a wrong one, they are sRGB's."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = _MODES[source.profile.xcolor_space]
            if mode == colours.mode or (mode, colours.mode) == ("RGB", "L"):
                converted = ImageCms.profileToProfile(
                    colours.convert(mode), source, _SRGB, outputMode="RGB"
                )
                colours = converted or colours
        except (ImageCms.PyCMSError, OSError, KeyError, ValueError):
            pass
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours
