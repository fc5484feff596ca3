# ruff: noqa: E501 (what other systems write has long lines)
"""Hugo, Jekyll and Eleventy: front matter, addresses, marks of templates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from broadsheet.article import Author, Image
from local.importers import templates
from local.importers.item import ImportFailedError
from tests.importers.shop import JPEG, put, run

if TYPE_CHECKING:
    from pathlib import Path

YAML = """---
title: "Ferry &amp; tide"
date: 2026-05-04T09:30:00+02:00
lastmod: 2026-05-05
draft: false
description: Back again.
categories: [Harbour]
tags:
  - Tide
  - Harbour
authors: [Ines, {name: Jo}]
aliases: [/old/ferry/, older]
image: ferry.jpg
image_alt: A ferry
---
It *sails*.
"""
TOML = """+++
title = "Ferry & tide"
date = 2026-05-04T09:30:00+02:00
lastmod = 2026-05-05
description = "Back again."
categories = ["Harbour"]
tags = ["Tide", "Harbour"]
authors = ["Ines", "Jo"]
aliases = ["/old/ferry/", "older"]
[cover]
image = "ferry.jpg"
alt = "A ferry"
+++
It *sails*.
"""
JSON = """{"title": "Ferry & tide", "date": "2026-05-04T09:30:00+02:00", "lastmod": "2026-05-05",
 "description": "Back again.", "categories": "Harbour", "tags": "Tide, Harbour", "author": ["Ines", "Jo"],
 "aliases": ["/old/ferry/", "older"], "images": ["ferry.jpg"], "alt": "A ferry"}
It *sails*.
"""


@pytest.mark.parametrize("text", [YAML, TOML, JSON], ids=["yaml", "toml", "json"])
def test_front_matter_of_each_kind_becomes_an_article(tmp_path: Path, text: str) -> None:
    site = put(
        tmp_path / "site",
        {"content/news/ferry/index.md": text, "content/news/ferry/ferry.jpg": JPEG},
    )
    made = run("hugo", site)
    article = made.article("news/ferry")
    assert (article.title, article.summary, article.body) == (
        "Ferry & tide",
        "Back again.",
        "It *sails*.\n",
    )
    assert article.published_at == datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
    assert article.updated_at == datetime(2026, 5, 5, tzinfo=UTC)
    assert article.authors == (Author("Ines"), Author("Jo"))
    assert [topic.label for topic in article.topics] == ["Harbour", "Tide"]
    assert article.image == Image("media/news/ferry/ferry.jpg", "A ferry")
    assert article.aliases == ("/news/ferry/", "/old/ferry/", "/older")
    assert (made.folder / "media/news/ferry/ferry.jpg").read_bytes() == JPEG


def test_a_site_of_hugo_tells_of_itself_and_its_addresses(tmp_path: Path) -> None:
    config = (
        'baseURL = "https://old.example/"\ntitle = "Log"\nlanguageCode = "en-gb"\ntimeZone = "Europe/Rome"\n'
        '[params]\ndescription = "News"\n[permalinks]\nnews = "/:year/:month/:slug/"\n'
    )
    site = put(
        tmp_path / "site",
        {
            "hugo.toml": config,
            "content/_index.md": "---\ntitle: Home\n---\n",
            "content/about.md": "---\ntitle: About\n---\na",
            "content/plain.md": "no front matter",
            "content/broken.md": "---\ntitle: [\n---\na",
            "content/news/a.md": "---\ntitle: A\ndate: 2026-05-04 23:30\nslug: first\n---\na",
            "content/news/b.de.md": "---\ntitle: B\ndate: 2026-05-04\nurl: /b.html\ndraft: true\n---\na",
            "content/news/c.md": "---\ntitle: C\ndate: 2026-05-04\ncover: /img/c.jpg\n---\na ![x](/img/d.jpg) ![y](https://x.example/e.jpg)",
            "themes/x/content/d.md": "---\ntitle: D\ndate: 2026-05-04\n---\na",
            "static/img/c.jpg": JPEG,
        },
    )
    made = run("hugo", site)
    assert made.raw("site.json") == {
        "name": "Log",
        "description": "News",
        "language": "en-gb",
        "timezone": "Europe/Rome",
    }
    assert made.article("2026/05/first").published_at.isoformat() == "2026-05-04T23:30:00+02:00"
    draft = made.article("b")
    assert (draft.status, draft.language, draft.aliases) == ("draft", "de", ("/b.html",))
    assert made.article("2026/05/c").image == Image("media/img/c.jpg", "")
    assert 'src="https://old.example/img/d.jpg"' in made.html("2026/05/c")
    assert 'src="https://x.example/e.jpg"' in made.html("2026/05/c")
    assert made.warnings("2026/05/c") == ["1 pictures in the text are not carried over: /img/d.jpg"]
    assert made.reasons["Home"] == "is the page of a section"
    assert made.reasons["About"] == "has no date: a page, not an article"
    assert made.reasons["content/plain.md"] == "has no front matter"
    assert "can't be read" in made.reasons["content/broken.md"]
    assert len(made.report.items) == 7


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("", "news/tide-tables/2026/05/04/ferry"),
        ("permalink: pretty", "news/tide-tables/2026/05/04/ferry"),
        ("permalink: /:year/:title/", "2026/ferry"),
    ],
)
def test_a_post_of_jekyll_has_its_date_and_address_from_its_name(
    tmp_path: Path, config: str, path: str
) -> None:
    text = "---\nlayout: post\ntitle: Ferry\ncategories: [News, Tide Tables]\nredirect_from: /old\n---\na"
    site = put(tmp_path / "site", {"_config.yml": config, "_posts/2026-05-04-ferry.md": text})
    article = run("hugo", site, timezone="Europe/Berlin").article(path)
    assert article.published_at.isoformat() == "2026-05-04T00:00:00+02:00"
    assert article.aliases[-1] == "/old"
    assert len(article.aliases) == 2


def test_a_jekyll_post_without_a_title_is_named_after_its_file(tmp_path: Path) -> None:
    site = put(
        tmp_path / "site",
        {
            "_posts/2026-5-4-the-ferry.md": "---\n---\na",
            "_drafts/b.md": "---\ndate: 2026-01-01\ntitle: B\n---\nb",
        },
    )
    made = run("hugo", site)
    assert made.article("2026/05/04/the-ferry").title == "The Ferry"
    assert made.article("2026/01/01/b").status == "draft"


def expand(text: str) -> tuple[str, list[str]]:
    said: list[str] = []
    found = {"news/a.md": "/a/", "2026-05-04-a": "/b/"}
    return templates.expand(text, lambda name: found.get(name, ""), said.append).strip(), said


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        (
            '{{< figure src="https://x.example/a.jpg" alt="A" caption="C & D" >}}',
            '<figure><img src="https://x.example/a.jpg" alt="A"><figcaption>C &amp; D</figcaption></figure>',
        ),
        ('{{< figure src="a.jpg" alt="A" >}}', "![A](a.jpg)"),
        (
            "{{< youtube abc >}} {{% vimeo id=5 %}}",
            "<https://www.youtube.com/watch?v=abc> <https://vimeo.com/5>",
        ),
        ("{{< gist ines 12 >}}", "<https://gist.github.com/ines/12>"),
        ('{{< x user="ines" id="12" >}}', "<https://x.com/ines/status/12>"),
        ('[a]({{< ref "news/a.md#b" >}})', "[a](/a/#b)"),
        ('[a]({{< relref path="news/a.md" >}})', "[a](/a/)"),
        ('[a]({{< ref "#b" >}})', "[a](#b)"),
        ("[a]({% post_url 2026-05-04-a %})", "[a](/b/)"),
        ("[a]({{ site.baseurl }}/c/) {{ '/d/' | relative_url }}", "[a](/c/) /d/"),
        ("{% highlight ruby linenos %}\na\n\nb\n{% endhighlight %}", "```ruby\na\n\nb\n```"),
        ("{{< highlight go >}}\na\n{{< /highlight >}}", "```go\n\na\n\n```"),
        ("{% raw %}a{% endraw %}", "a"),
        ("a\n\n<!--more-->\n\nb", "a\n\nb"),
        ("```\n{{< x >}}\n{% y %}\n```\n\n`{{ z }}`", "```\n{{< x >}}\n{% y %}\n```\n\n`{{ z }}`"),
        ("~~~~\n```\n{{< x >}}\n~~~~", "~~~~\n```\n{{< x >}}\n~~~~"),
    ],
)
def test_marks_of_templates_become_what_they_stand_for(text: str, expanded: str) -> None:
    assert expand(text) == (expanded, [])


@pytest.mark.parametrize(
    ("text", "expanded", "said"),
    [
        ("{{< map 1 >}}a{{< /map >}}", "a", "the shortcode map is left out"),
        (
            "{% include x.html %}",
            "{% include x.html %}",
            "the template tag include stays in the text",
        ),
        (
            "{{ page.title }}",
            "{{ page.title }}",
            "the template tag {{page.title}} stays in the text",
        ),
        ('[a]({{< ref "c.md" >}})', "[a](#)", "the link to c.md leads nowhere"),
    ],
)
def test_other_marks_are_told(text: str, expanded: str, said: str) -> None:
    found, messages = expand(text)
    assert found == expanded
    assert said in messages


def test_links_to_other_texts_lead_to_their_new_pages(tmp_path: Path) -> None:
    head = "---\ndate: 2026-05-04\ntitle: "
    text = '[a]({{< ref "b.md" >}}) [c](/news/b/#d) `[e](/news/b/)` ![f](/news/b/)'
    files = {"content/news/a.md": f"{head}A\n---\n{text}", "content/news/b.md": f"{head}B\n---\nb"}
    body = run("hugo", put(tmp_path / "site", files)).article("news/a").body
    assert "[a](/articles/news/b/)" in body
    assert "[c](/articles/news/b/#d)" in body
    assert "`[e](/news/b/)`" in body


def test_yaml_that_multiplies_itself_is_refused(tmp_path: Path) -> None:
    bomb = "".join(
        f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * 9) if i else 'x'}]\n" for i in range(9)
    )
    files = {
        "a.md": f"---\ntitle: A\ndate: 2026-01-01\n{bomb}---\na",
        "b.md": "---\ntitle: !!python/object:os.system x\n---\n",
    }
    made = run("hugo", put(tmp_path / "site", files))
    assert "it has aliases" in made.reasons["a.md"]
    assert "can't be read" in made.reasons["b.md"]
    assert made.files == []


def test_texts_outside_of_the_folder_are_passed_by(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "secret.md": "---\ntitle: S\ndate: 2026-01-01\n---\ns",
            "site/a.md": "---\ntitle: A\ndate: 2026-01-01\nimage: ../secret.jpg\n---\na",
            "secret.jpg": JPEG,
        },
    )
    (tmp_path / "site/b.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "site/c.jpg").symlink_to(tmp_path / "secret.jpg")
    made = run("hugo", tmp_path / "site")
    assert made.files == ["a.json"]
    assert "is not here" in made.warnings("a")[0]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="no file or folder"):
        run("hugo", tmp_path / "nothing")
