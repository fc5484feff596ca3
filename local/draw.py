"""Draws the sample picture: `python -m local.draw`."""

from PIL import Image, ImageDraw

from local.options import SAMPLE_PICTURES

WIDTH, HEIGHT, HORIZON = 1600, 900, 560
SKY, SEA, LAND = ((246, 196, 140), (96, 128, 168)), ((36, 74, 104), (18, 38, 58)), (52, 56, 52)


def harbour() -> Image.Image:
    """Return a harbour at dusk: sky, sea, a breakwater with its lighthouse, and a boat."""
    image = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    _shade(draw, 0, HORIZON, *reversed(SKY))
    _shade(draw, HORIZON, HEIGHT, *SEA)
    draw.ellipse((1080, 440, 1240, 600), fill=(255, 232, 190))
    _shade(draw, HORIZON, HEIGHT, *SEA)
    for i in range(60):
        x, y = 1160 + (i * 37 % 90 - 45) * (1 + i / 20), HORIZON + 5 * i + 4
        draw.line((x - 30, y, x + 30, y), fill=(120 - i, 130 - i, 140 - i), width=3)
    draw.polygon([(0, 520), (420, 548), (470, 600), (0, 690)], fill=LAND)
    for i in range(4):
        colour = (236, 236, 228) if i % 2 else (178, 52, 44)
        draw.polygon(_slice(i), fill=colour)
    draw.rectangle((306, 210, 354, 250), fill=(255, 240, 180))
    draw.polygon([(298, 210), (330, 176), (362, 210)], fill=(60, 60, 64))
    draw.polygon([(760, 640), (1000, 640), (960, 700), (790, 700)], fill=(178, 52, 44))
    draw.line((870, 640, 870, 440), fill=(40, 40, 40), width=8)
    draw.polygon([(880, 450), (880, 620), (990, 620)], fill=(240, 238, 228))
    draw.polygon([(860, 470), (860, 620), (790, 620)], fill=(226, 222, 208))
    return image


def _shade(
    draw: ImageDraw.ImageDraw,
    top: int,
    bottom: int,
    first: tuple[int, int, int],
    last: tuple[int, int, int],
) -> None:
    for y in range(top, bottom):
        part = (y - top) / (bottom - top)
        colour = tuple(round(a + (b - a) * part) for a, b in zip(first, last, strict=True))
        draw.line((0, y, WIDTH, y), fill=colour)


def _slice(i: int) -> list[tuple[float, float]]:
    """Return the outline of one of the four bands of the tower."""
    upper, lower = 250 + 75 * i, 325 + 75 * i
    return [(300 - 5 * i, upper), (360 + 5 * i, upper), (365 + 5 * i, lower), (295 - 5 * i, lower)]


if __name__ == "__main__":
    SAMPLE_PICTURES.mkdir(parents=True, exist_ok=True)
    harbour().save(SAMPLE_PICTURES / "harbour.jpg", quality=82, optimize=True)
