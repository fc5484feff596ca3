"""Any key that S3 can have is settled at its first delivery, whatever stands in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broadsheet import addresses
from tests.newsroom import DONE, SOURCE

if TYPE_CHECKING:
    from tests.newsroom import Newsroom

SEGMENTS = st.sampled_from(
    ["..", ".", "", "a", "A", "_index", "site.json", "%2e%2e", "ü", "\u202e"]
)
KEYS = st.lists(SEGMENTS | st.text(st.characters(codec="utf-8"), max_size=8), max_size=4).map(
    lambda segments: f"articles/{'/'.join(segments)}"
)


# The newsroom need not be empty: each key is told by its own receipt.
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=KEYS | KEYS.map("{}.json".format))
@example(key="articles/" + "ü" * 507 + "x")
@example(key="articles/a\x00\n\u2028.json")
@example(key="articles/site.json/\x1c")
@example(key="articles/site.json")
@example(key="articles/site.json/\x1c")
def test_any_key_is_rejected_with_a_receipt_and_nothing_public(
    newsroom: Newsroom, key: str
) -> None:
    version = newsroom.s3.put_object(Bucket=SOURCE, Key=key, Body=b"{}")["VersionId"]
    done = newsroom.deliver(quote(key))
    # moto, unlike S3, can't tell of a version whose key XML has no characters for, and it would be
    # asked for it along with those of each key that this one begins with.
    newsroom.s3.delete_object(Bucket=SOURCE, Key=key, VersionId=version)
    assert done == DONE
    answer = newsroom.s3.get_object(Bucket=SOURCE, Key=addresses.receipt_key(key))
    receipt = json.load(answer["Body"])
    assert (receipt["status"], receipt["key"]) == ("rejected", key)
    assert receipt["errors"]
    assert not [name for name in newsroom.site() if name.startswith("articles/")]
