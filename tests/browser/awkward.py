"""Articles that make it hard for a page to look right, beside the samples in events/articles."""

from __future__ import annotations

import json
from typing import Any

_WORD = "Hafenmeistereigebäudeinstandsetzungsausschusssitzungsprotokoll"
_PATHS = "https://example.org/" + "a-very-long-path-without-end/" * 8
_PARAGRAPH = "The tide came in at six, and the harbour master wrote it down. " * 6

_NESTED = f"""# First

Text after a heading of the first level, which the page's own title is.

### Third

{_WORD}{_WORD}

#### Fourth

- One
  - One and a half
    1. One and three quarters
    2. {_WORD}
- Two

> A quotation
>
> > in a quotation, by {_PATHS}

| {_WORD} | a | b | c | d | e | f |
|:--|--:|:-:|--|--|--|--|
| 1 | 2 | 3 | {_PATHS} | 5 | 6 | 7 |

```
{"x" * 300}
```

###### Sixth

1. First note. [Back](https://example.org/)
2. Second note. [Back](https://example.org/)
"""

_ARABIC = """## السوق

عاد الصيادون إلى الميناء صباح اليوم بعد أسبوع من الريح، وكان السوق قد امتلأ قبل السابعة.

| السمك | السعر |
|:--|--:|
| سردين | 12 |
| بوري | 20 |

> البحر كريم لمن يصبر.

كتب أحدهم على اللوح: `fish.txt` ثم مسحه.
"""

_HEBREW = """## הגשר

הגשר הישן נפתח שוב להולכי רגל. *הצבע עוד לח*, אמר השומר.

1. לא לרוץ.
2. לא לדוג מן המעקה.
"""

_CHINESE = """## 码头

码头的钟又响了。修钟的人说,它只是需要一点油和一点耐心。

- 早上六点
- 晚上六点
"""

AWKWARD: dict[str, dict[str, Any]] = {
    "nested": {"body": _NESTED, "title": "Headings out of order, and what does not fit"},
    "long-words": {
        "title": f"{_WORD} {_WORD}",
        "summary": f"{_WORD} {_PATHS}",
        "authors": [{"name": _WORD, "url": "https://example.org/"}],
        "topics": ["Hafenmeistereigebäudeinstandsetzung", "Harbour"],
        "corrections": [{"at": "2026-05-06T10:00:00+02:00", "text": _PATHS}],
        "source": {"title": _WORD, "url": _PATHS, "author": _WORD, "publisher": _WORD},
        "ai_disclosure": "rewritten",
        "body": f"{_WORD}\n\n[{_PATHS}]({_PATHS})\n\n`{'y' * 200}`",
    },
    "many": {
        "title": "Everybody wrote this, about everything",
        "authors": [{"name": f"Author Number {i}"} for i in range(1, 31)],
        "topics": [f"Matter {i}" for i in range(1, 11)],
        "body": _PARAGRAPH,
    },
    "short": {"title": "Fog", "summary": "There is fog.", "body": "There is fog."},
    "long": {
        "title": "A day at the harbour, hour by hour",
        "body": "\n\n".join(f"## Hour {i}\n\n{_PARAGRAPH}" for i in range(1, 25)),
    },
    "arabic": {
        "title": "السوق يفتح قبل الشمس",
        "summary": "أسبوع من الريح، ثم سمك كثير.",
        "language": "ar",
        "authors": [{"name": "هيئة التحرير"}],
        "topics": ["Harbour"],
        "body": _ARABIC,
    },
    "hebrew": {
        "title": "הגשר הישן נפתח שוב",
        "summary": "שנתיים של עבודה, ועכשיו רק הצבע צריך להתייבש.",
        "language": "he",
        "corrections": [{"at": "2026-05-06T10:00:00+02:00", "text": "שנתיים, לא שלוש."}],
        "body": _HEBREW,
    },
    "chinese": {
        "title": "码头的钟又响了" * 6,
        "summary": "修了三个月。",
        "language": "zh",
        "body": _CHINESE,
    },
    "picture": {
        "title": "A picture that is elsewhere",
        "image": {
            "src": "https://example.com/media/elsewhere.png",
            "alt": "A grey rectangle",
            "caption": "Grey, as it was that day.",
            "credit": "Nobody",
        },
        "body": f"{_PARAGRAPH}\n\n![Grey again](https://example.com/media/within.png)\n\nAfter it.",
    },
    "withdrawn": {
        "title": "What was not so",
        "status": "withdrawn",
        "corrections": [{"at": "2026-05-06T10:00:00Z", "text": "None of it was."}],
        "body": "x",
    },
    "generated": {"title": "Tides", "ai_disclosure": "generated", "body": "High at six."},
    "raw": {
        "title": "A body of raw HTML",
        "body": (
            '<h4>Fourth</h4><p align="right">x</p>'
            '<table><tr><th></th><th align="center">a</th></tr>'
            '<tr><td align="right" width="9">b</td><td><table><tr><td>c</td></tr></table></td></tr>'
            "</table><details><summary>More</summary><p>Less</p></details>"
            '<h5></h5><a href="/"></a>'
            '<img src="https://example.com/media/raw.png" width="1200" height="800">'
        ),
    },
}


def articles() -> dict[str, bytes]:
    """The files of these articles, by the keys that they are uploaded to."""
    common = {"published_at": "2026-05-04T09:30:00+02:00", "summary": "What happened, and when."}
    return {
        f"articles/awkward/{name}.json": json.dumps(common | article).encode()
        for name, article in AWKWARD.items()
    }
