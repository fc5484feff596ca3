"""Pages broken on purpose, one way each: whatever judges pages must notice."""

from __future__ import annotations

WORSE = "/broken/worse/"
_END = "</main>"

# The page's path: the check that must notice, what is replaced in a good page, and by what.
BROKEN = {
    f"/broken/{name}/": (check, old, new)
    for name, check, old, new in [
        ("alt", "axe", _END, '<img src="/icon.svg">' + _END),
        ("contrast", "axe", _END, '<p style="color: #bbb; background: #fff">pale</p>' + _END),
        ("wide", "overflow", _END, '<p style="width: 2000px">x</p>' + _END),
        ("cut", "overflow", _END, '<p style="height: 9px; overflow: hidden">x</p>' + _END),
        ("levels", "headings", _END, "<h5>x</h5>" + _END),
        ("titles", "headings", _END, "<h1>x</h1>" + _END),
        ("main", "landmarks", '<main id="main"', '<div id="main"'),
        ("skip", "skip", ' id="main"', ""),
        ("focus", "focus", _END, "<style>a:focus { outline: 0 !important }</style>" + _END),
        ("small", "targets", _END, '<div><a href="/" style="font-size: 9px">x</a></div>' + _END),
        ("time", "times", _END, '<time datetime="2026-05-04">x</time>' + _END),
        ("policy", "console", _END, "<script>1</script>" + _END),
        ("foreign", "requests", _END, '<img src="http://127.0.0.1:9/x" alt="">' + _END),
        ("gone", "requests", _END, '<img src="/gone.png" alt="">' + _END),
        (
            "shift",
            "shift",
            "<main",
            "<p id=x></p><script>setTimeout(() => x.style.height = '90px', 100)</script><main",
        ),
        ("moving", "motion", _END, '<p style="transition: color 2s">x</p>' + _END),
        ("colours", "colours", _END, '<p style="forced-color-adjust: none">x</p>' + _END),
        ("print", "print", _END, '<nav style="display: block !important">x</nav>' + _END),
        ("script", "script", _END, "<noscript>x</noscript>" + _END),
        ("element", "html", _END, "<blink>x</blink>" + _END),
        ("property", "data", '"headline":', '"headlin":'),
        ("value", "data", '"publisher":{"@id":', '"publisher":{"name":'),
        ("json", "data", '"@context":', "@context:"),
        ("link", "links", _END, '<a href="/nowhere/">x</a>' + _END),
        ("fragment", "links", _END, '<a href="/#nowhere">x</a>' + _END),
    ]
}


def broken_pages(page: str) -> dict[str, str]:
    """A good page broken in each of these ways, by path, and in several for Lighthouse."""
    pages = {}
    for path, (_, old, new) in BROKEN.items():
        assert page.count(old) == 1, path
        pages[path] = page.replace(old, new)
    worse = page.replace("<title>", "<x>").replace('<meta name="description"', "<meta")
    pages[WORSE] = worse.replace(_END, '<img src="/gone.png">' + _END)
    return pages
