"""What else may be done: buckets, queues and uploads, judged as IAM judges them."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.cloudformation import RESOURCES, ROOT, properties
from tests.iam import ROLE, Request, Statement, is_allowed, policy
from tests.newsroom import publish
from tests.policies import ACCOUNT, Deployment

if TYPE_CHECKING:
    from tests.newsroom import Newsroom

HERE = Deployment()
SOURCE, SITE = HERE.names["SourceBucket.Arn"], HERE.names["SiteBucket.Arn"]
CLOUDFRONT = ("Service", "cloudfront.amazonaws.com")
NOBODY = ("AWS", "anonymous")
PIPELINE = ("AWS", f"arn:aws:iam::{ACCOUNT}:role/pipeline")
BUCKETS = ["SourceBucket", "SiteBucket"]
QUEUES = ["PublishQueue", "MediaQueue", "PingQueue", "DeadLetterQueue"]


def asked(action: str, resource: str, **context: str) -> Request:
    """A request by TLS, with condition keys named as in aws_SourceArn."""
    keys = {name.replace("_", ":", 1).replace("_", "-"): v for name, v in context.items()}
    keys = {"aws:SecureTransport": "true"} | keys
    return Request(action, resource, tuple(keys.items()))


def distribution_asks(action: str, resource: str, distribution: str = "") -> bool:
    arn = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{distribution or HERE.distribution_id}"
    return is_allowed(
        asked(action, resource, aws_SourceArn=arn), HERE.of("SiteBucketPolicy"), CLOUDFRONT
    )


def test_the_distribution_reads_all_that_is_public_and_nothing_else(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    keys = newsroom.keys(newsroom.site_bucket)

    public = [key for key in keys if distribution_asks("s3:GetObject", f"{SITE}/{key}")]

    assert sorted(public) == sorted(newsroom.site())
    assert {"_index/site.json", "_record/articles/a.json"} <= {*keys} - {*public}


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:GetObjectAcl"])
def test_the_distribution_changes_nothing(action: str) -> None:
    assert not distribution_asks(action, f"{SITE}/index.html")


def test_another_distribution_reads_nothing() -> None:
    assert not distribution_asks("s3:GetObject", f"{SITE}/index.html", "E2")
    assert not distribution_asks("s3:ListBucket", SITE, "E2")


def test_the_distribution_hears_of_what_is_missing() -> None:
    assert distribution_asks("s3:ListBucket", SITE)


@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("principal", [NOBODY, ("AWS", "arn:aws:iam::999999999999:root")])
@pytest.mark.parametrize(
    "action",
    ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetObjectAcl"],
)
def test_no_bucket_is_public(bucket: str, principal: tuple[str, str], action: str) -> None:
    arn = HERE.names[f"{bucket}.Arn"]
    for resource in (arn, f"{arn}/index.html", f"{arn}/articles/a.json"):
        assert not is_allowed(asked(action, resource), HERE.of(f"{bucket}Policy"), principal)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_no_bucket_can_be_made_public_by_mistake(bucket: str) -> None:
    settings = properties(bucket)

    assert settings["PublicAccessBlockConfiguration"] == dict.fromkeys(
        ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"],
        True,
    )
    assert settings["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (rule,) = settings["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.parametrize("name", [*BUCKETS, *QUEUES])
@pytest.mark.parametrize("principal", [ROLE, CLOUDFRONT, ("Service", "s3.amazonaws.com")])
def test_without_tls_nobody_does_anything(name: str, principal: tuple[str, str]) -> None:
    arn = HERE.names[f"{name}.Arn"]
    whole = Statement("Root", "Allow", ("*",), ("*",))
    actions = ["s3:GetObject", "s3:ListBucket", "sqs:SendMessage", "sqs:ReceiveMessage"]
    resources = [arn, f"{arn}/index.html"] if name in BUCKETS else [arn]
    for action, resource in product(actions, resources):
        if action.startswith("s3") == (name in BUCKETS):
            plain = asked(action, resource, aws_SecureTransport="false")
            assert not is_allowed(plain, [whole, *HERE.of(f"{name}Policy")], principal)
            assert is_allowed(
                asked(action, resource), [whole, *HERE.of(f"{name}Policy")], principal
            )


def notifies(**context: str) -> bool:
    request = asked("sqs:SendMessage", HERE.names["PublishQueue.Arn"], **context)
    return is_allowed(request, HERE.of("PublishQueuePolicy"), ("Service", "s3.amazonaws.com"))


def test_only_the_source_bucket_of_this_account_fills_the_queue() -> None:
    assert notifies(aws_SourceArn=SOURCE, aws_SourceAccount=ACCOUNT)
    # A bucket of that name that somebody else has by now.
    assert not notifies(aws_SourceArn=SOURCE, aws_SourceAccount="999999999999")
    assert not notifies(aws_SourceArn=SITE, aws_SourceAccount=ACCOUNT)
    assert not notifies(aws_SourceAccount=ACCOUNT)
    assert not notifies()


def test_only_its_rule_fills_the_queue_of_pings() -> None:
    def sends(**context: str) -> bool:
        request = asked("sqs:SendMessage", HERE.names["PingQueue.Arn"], **context)
        return is_allowed(request, HERE.of("PingQueuePolicy"), ("Service", "events.amazonaws.com"))

    rule = HERE.names["PingRule.Arn"]
    assert sends(aws_SourceArn=rule, aws_SourceAccount=ACCOUNT)
    assert not sends(aws_SourceArn=f"{rule}s", aws_SourceAccount=ACCOUNT)
    assert not sends(aws_SourceArn=rule, aws_SourceAccount="999999999999")
    assert not sends()


def test_the_schedule_may_send_to_the_queue_and_do_nothing_else() -> None:
    (document,) = properties("VerifyRole")["Policies"]
    (allow,) = document["PolicyDocument"]["Statement"]

    assert allow["Action"] == "sqs:SendMessage"
    assert allow["Resource"] == {"Fn::GetAtt": "PublishQueue.Arn"}
    (trust,) = properties("VerifyRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("action", ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:PurgeQueue"])
def test_no_queue_is_public(queue: str, action: str) -> None:
    request = asked(action, HERE.names[f"{queue}.Arn"])

    assert not is_allowed(request, HERE.of(f"{queue}Policy"), NOBODY)
    assert properties(queue)["SqsManagedSseEnabled"]


def test_every_bucket_and_queue_has_a_policy() -> None:
    kinds = {"AWS::S3::Bucket": BUCKETS, "AWS::SQS::Queue": QUEUES}
    for kind, names in kinds.items():
        assert [name for name, one in RESOURCES.items() if one["Type"] == kind] == names
    for name in BUCKETS:
        assert properties(f"{name}Policy")["Bucket"] == {"Ref": name}
    for name in QUEUES:
        assert properties(f"{name}Policy")["Queues"] == [{"Ref": name}]


# Uploads: the policies that docs/security.md gives for them.


def advised(sid: str) -> tuple[Statement, ...]:
    """The advised policy that begins with a statement."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    text = text.replace("SOURCE_BUCKET", HERE.source_bucket)
    documents = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    (found,) = [policy(d["Statement"]) for d in documents if d["Statement"][0]["Sid"] == sid]
    return found


def may(sid: str, action: str, resource: str, **context: str) -> bool:
    """Whether a pipeline with an advised policy may do something."""
    return is_allowed(
        asked(action, resource, **context), advised(sid) + HERE.everything(), PIPELINE
    )


def test_a_pipeline_uploads_articles_and_reads_its_receipts() -> None:
    assert may("Upload", "s3:PutObject", f"{SOURCE}/articles/2026/05/a.json")
    assert may("Upload", "s3:GetObject", f"{SOURCE}/receipts/articles/a.json")
    assert not may(
        "Upload", "s3:PutObject", f"{SOURCE}/articles/a.json", aws_SecureTransport="false"
    )


@pytest.mark.parametrize("sid", ["Upload", "Add"])
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{SOURCE}/articles/wire/a.json"),
        ("s3:DeleteObject", f"{SOURCE}/articles/wire/a.json"),
        ("s3:DeleteObjectVersion", f"{SOURCE}/articles/wire/a.json"),
        ("s3:GetObjectVersion", f"{SOURCE}/articles/wire/a.json"),
        ("s3:PutObject", f"{SOURCE}/site.json"),
        ("s3:PutObject", f"{SOURCE}/receipts/articles/wire/a.json"),
        ("s3:GetObject", f"{SOURCE}/receipts/site.json"),
        ("s3:ListBucket", SOURCE),
        ("s3:PutBucketPolicy", SOURCE),
        ("s3:PutObject", f"{SITE}/articles/wire/a/index.html"),
        ("s3:GetObject", f"{SITE}/_index/site.json"),
        ("sqs:SendMessage", HERE.names["PublishQueue.Arn"]),
        ("cloudfront:CreateInvalidation", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E"),
    ],
)
def test_a_pipeline_can_do_nothing_else(sid: str, action: str, resource: str) -> None:
    assert not may(sid, action, resource, s3_if_none_match="*")


def test_a_pipeline_that_may_only_add_replaces_nothing() -> None:
    key = f"{SOURCE}/articles/wire/a.json"

    assert may("Add", "s3:PutObject", key, s3_if_none_match="*")
    assert not may("Add", "s3:PutObject", key)
    assert not may("Add", "s3:PutObject", key, s3_if_match="etag")
    assert not may("Add", "s3:PutObject", f"{SOURCE}/articles/a.json", s3_if_none_match="*")
