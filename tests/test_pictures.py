"""What becomes of a picture's bytes: formats, sizes, colours; what is taken out or refused."""

from __future__ import annotations

import io
import struct
import weakref
import zlib
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw

import pictures
from broadsheet.errors import InvalidError
from pictures import PIXELS, Picture

# What must be gone from every variant: Exif, its GPS block, XMP, colour profiles, comments.
PLACE = "53.5461N"
MARKS = (b"Exif", b"GPS", b"xmp", b"XMP", b"ICC_PROFILE", b"iCCP", b"colr\0\0\0\x13prof")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def drawn(mode: str = "RGB", size: tuple[int, int] = (400, 200)) -> Image.Image:
    """Red on the left and blue on the right, a white stripe on top."""
    image = Image.new("RGB", size, "red")
    draw = ImageDraw.Draw(image)
    draw.rectangle((size[0] // 2, 0, *size), fill="blue")
    draw.rectangle((0, 0, size[0], size[1] // 10), fill="white")
    return image.convert(mode)


def picture(data: bytes) -> Picture:
    return Picture("a.jpg", data)


def decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def colours(data: bytes) -> list[tuple[int, ...]]:
    """The colours on the left, on the right and on top."""
    image = decoded(data).convert("RGBA")
    width, height = image.size
    places = (width // 4, height // 2), (width * 3 // 4, height // 2), (width // 2, 1)
    return [pixel for at in places if isinstance(pixel := image.getpixel(at), tuple)]


def assert_like(
    found: list[tuple[int, ...]], *wanted: tuple[int, ...], tolerance: int = 12
) -> None:
    for one, other in zip(found, wanted, strict=False):
        assert all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=False)), found


RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidError) as caught:
        picture(data)
    (problem,) = caught.value.problems
    assert problem.path == ""
    return problem.message


# Sizes and formats


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        ((4000, 2000), (320, 640, 960, 1280, 1920)),
        ((1000, 500), (320, 640, 960, 1000)),
        ((320, 200), (320,)),
        ((1, 1), (1,)),
        # As high as two screens, and no higher.
        ((100, 10_000), (38,)),
    ],
)
def test_variants_are_as_wide_as_screens_and_never_wider_than_the_picture(
    size: tuple[int, int], widths: tuple[int, ...]
) -> None:
    found = picture(encoded(drawn(size=size), "PNG"))

    assert found.widths == widths
    for width in found.widths:
        with decoded(found.variant(width, "webp")) as variant:
            assert variant.width == width
            assert variant.height == max(1, round(width * found.height / found.width))


@pytest.mark.parametrize(
    ("extension", "kind"), [("avif", "AVIF"), ("webp", "WEBP"), ("jpg", "JPEG")]
)
def test_each_variant_is_what_its_name_says(extension: str, kind: str) -> None:
    assert decoded(picture(encoded(drawn(), "PNG")).variant(320, extension)).format == kind


@pytest.mark.parametrize("extension", Picture.extensions)
def test_the_same_upload_gives_the_same_bytes_each_time(extension: str) -> None:
    data = encoded(drawn(size=(700, 500)), "PNG")

    assert picture(data).variant(640, extension) == picture(data).variant(640, extension)
    assert picture(data).digest == picture(data).digest


def test_each_picture_has_a_digest_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(drawn(), "PNG")
    digests = {
        picture(data).digest,
        picture(encoded(drawn(), "GIF")).digest,
        Picture("b.jpg", data).digest,
    }
    monkeypatch.setattr(pictures, "RECIPE", "another")

    assert len(digests | {picture(data).digest}) == 4


# Types


@pytest.mark.parametrize("kind", pictures.TYPES)
def test_the_type_is_told_by_content(kind: str) -> None:
    found = picture(encoded(drawn(), kind))

    assert (found.width, found.height) == (400, 200)
    assert_like(colours(found.variant(400, "webp")), RED, BLUE, WHITE, tolerance=30)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "I;16", "RGBA"])
def test_every_kind_of_png_is_shown_as_it_looks(mode: str) -> None:
    if mode == "I;16":
        row = struct.pack("<H", 0x4000) * 200 + struct.pack("<H", 0xC000) * 200
        image = Image.frombytes("I;16", (400, 200), row * 200)
    else:
        image = drawn(mode)
    wanted = [pixel[:3] for pixel in colours(encoded(drawn(mode), "PNG"))]
    if mode == "I;16":
        wanted = [(64, 64, 64), (192, 192, 192)]

    for extension in Picture.extensions:
        found = colours(picture(encoded(image, "PNG")).variant(400, extension))
        assert_like(found, *wanted, tolerance=30)


def test_a_cmyk_jpeg_is_shown_in_rgb() -> None:
    found = picture(encoded(drawn("CMYK"), "JPEG", quality=95))

    assert_like(colours(found.variant(400, "webp")), RED, BLUE, WHITE, tolerance=30)


def test_of_an_animation_the_first_frame_is_shown() -> None:
    frames = [drawn(), Image.new("RGB", (400, 200), "green")]
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        found = picture(data).variant(400, "webp")

        assert getattr(decoded(found), "n_frames", 1) == 1
        assert_like(colours(found), RED, BLUE, WHITE, tolerance=30)


def test_transparency_is_kept_where_the_format_knows_it_and_white_elsewhere() -> None:
    image = drawn("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 200, 200))
    found = picture(encoded(image, "PNG"))

    for extension, alpha in (("webp", 0), ("avif", 0), ("jpg", 255)):
        left, right, _ = colours(found.variant(400, extension))
        assert left[3] == alpha
        assert right[3] == 255
    assert_like(colours(found.variant(400, "jpg")), WHITE, BLUE, tolerance=30)


def test_what_is_not_transparent_has_no_alpha() -> None:
    assert decoded(picture(encoded(drawn("RGBA"), "PNG")).variant(400, "webp")).mode == "RGB"


# What is taken out


def tagged(kind: str, image: Image.Image, orientation: int = 1) -> bytes:
    """An upload with all that a camera and an editor write into it."""
    exif = Image.Exif()
    exif[0x010F] = PLACE
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[0x1D] = PLACE
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    if kind == "JPEG":
        options["comment"] = PLACE
    if kind in {"JPEG", "WEBP", "AVIF"}:
        options["xmp"] = f"<x:xmpmeta>{PLACE}</x:xmpmeta>".encode()
    return encoded(image, kind, **options)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_no_metadata_is_published(kind: str) -> None:
    data = tagged(kind, drawn())
    assert PLACE.encode() in data

    for extension in Picture.extensions:
        for width in (320, 400):
            variant = picture(data).variant(width, extension)
            assert PLACE.encode() not in variant
            assert not [mark for mark in MARKS if mark in variant]
            assert not decoded(variant).getexif()
            assert not {"icc_profile", "xmp", "comment", "exif"} & set(decoded(variant).info)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(kind: str, orientation: int) -> None:
    # What a camera held so would have stored.
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    turn = pictures._TURNS.get(inverse)  # noqa: SLF001 (what undoes it)
    stored = drawn().transpose(turn) if turn is not None else drawn()
    found = picture(tagged(kind, stored, orientation))

    assert (found.width, found.height) == (400, 200)
    assert_like(colours(found.variant(400, "webp")), RED, BLUE, WHITE, tolerance=30)


def test_a_large_picture_stands_upright_too() -> None:
    stored = drawn(size=(5000, 3000)).transpose(Image.Transpose.ROTATE_90)
    found = picture(tagged("JPEG", stored, 6))

    assert (found.width, found.height) == (1920, 1152)
    assert_like(colours(found.variant(1920, "jpg")), RED, BLUE, WHITE, tolerance=30)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_are_those_that_the_profile_means(mode: str) -> None:
    # In this profile red is blue.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    found = picture(encoded(drawn(mode), "PNG", icc_profile=swapped))

    assert_like(colours(found.variant(400, "webp")), BLUE, RED, WHITE, tolerance=30)


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_a_profile_that_is_none_is_ignored(profile: bytes, mode: str) -> None:
    data = encoded(drawn(mode), "PNG", icc_profile=profile)

    assert picture(data).variant(400, "webp") == picture(encoded(drawn(mode), "PNG")).variant(
        400, "webp"
    )


# What is refused


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def webp_header(side: int) -> bytes:
    size = (side - 1).to_bytes(3, "little") * 2
    frame = encoded(Image.new("RGB", (1, 1)), "WEBP")[12:]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        png_header(60_000, 60_000),
        png_header(PIXELS // 5000 + 1, 5000),
        webp_header(16_383),
        b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\0\0\0" + encoded(drawn(), "GIF")[13:],
        encoded(drawn(), "JPEG").replace(
            struct.pack(">HH", 200, 400), struct.pack(">HH", 65_500, 65_500)
        ),
    ],
    ids=["png", "png just above", "webp", "gif", "jpeg"],
)
def test_a_bomb_is_refused_before_it_is_decoded(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("JpegImagePlugin.JpegImageFile", "GifImagePlugin.GifImageFile"):
        monkeypatch.setattr(f"PIL.{kind}.load", lambda _: pytest.fail("decoded"))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))

    message = refusal(data)

    assert "pixels; expected at most 50,000,000" in message


@pytest.mark.parametrize("kind", pictures.TYPES)
def test_a_picture_cut_short_is_refused(kind: str) -> None:
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    whole = encoded(noise, kind)

    for part in (0.5, 0.9):
        assert "expected a JPEG, PNG, WebP, AVIF or GIF" in refusal(whole[: int(len(whole) * part)])


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        SVG,
        b'<?xml version="1.0"?>' + SVG,
        b"\xef\xbb\xbf \n" + SVG,
        b"%PDF-1.7 ...",
        encoded(drawn(), "TIFF"),
        encoded(drawn(), "BMP"),
        encoded(drawn(), "ICO", sizes=[(16, 16)]),
        encoded(drawn(), "EPS"),
    ],
    ids=["nothing", "text", "svg", "xml", "bom", "pdf", "tiff", "bmp", "ico", "eps"],
)
def test_what_is_none_of_the_types_is_refused(data: bytes) -> None:
    assert refusal(data) == (
        "is no picture of a known type; expected a JPEG, PNG, WebP, AVIF or GIF; "
        "SVG is never published, as it can carry scripts"
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_nothing_but_pixels_of_a_polyglot_is_published(kind: str) -> None:
    data = encoded(drawn(), kind) + b"<script>alert(1)</script>" + SVG + b"PK\x03\x04"

    for extension in Picture.extensions:
        variant = picture(data).variant(400, extension)
        assert b"script" not in variant
        assert b"PK\x03\x04" not in variant


@pytest.mark.parametrize("kind", pictures.TYPES)
def test_whatever_is_damaged_is_shown_or_refused(kind: str) -> None:
    whole = encoded(drawn(size=(60, 40)), kind)
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        data = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        try:
            found = picture(data)
        except InvalidError:
            continue
        assert found.variant(found.width, "jpg")


class Upload:
    """What takes much memory, and is held by whoever reads a picture."""


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_refused_holds_nothing_until_garbage_is_collected(data: bytes) -> None:
    def read() -> weakref.ref[Upload]:
        upload = Upload()
        with suppress(InvalidError):
            Picture("a.png", data)
        return weakref.ref(upload)

    assert read()() is None


def test_damaged_exif_is_as_good_as_none() -> None:
    data = encoded(drawn(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 30)

    assert picture(data).width == 400
