"""The tests' own judge of policies judges as IAM does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam import Request, Statement, arn_matches, is_allowed, policy

ARN = "arn:aws:s3:::bucket/articles/a.json"


def allow(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ARN} | elements


def deny(**elements: Any) -> dict[str, Any]:
    return allow(Effect="Deny") | elements


def decided(*document: dict[str, Any], action: str = "s3:GetObject", **context: str) -> bool:
    keys = tuple((name.replace("_", ":"), value) for name, value in context.items())
    return is_allowed(Request(action, ARN, keys), policy(document))


def test_what_nobody_allows_is_denied() -> None:
    assert not decided()
    assert not decided(allow(Action="s3:PutObject"))
    assert decided(allow())


def test_a_denial_beats_every_permission() -> None:
    assert not decided(allow(), deny())
    assert not decided(deny(Action="*", Resource="*"), allow())
    assert decided(allow(), deny(Action="s3:PutObject"))


@pytest.mark.parametrize(
    ("pattern", "action", "is_meant"),
    [
        ("s3:GetObject", "s3:GetObjectVersion", False),
        ("s3:GetObject*", "s3:GetObjectVersion", True),
        ("s3:getobject", "s3:GetObject", True),
        ("s3:*", "sqs:SendMessage", False),
        ("*", "sqs:SendMessage", True),
        ("s3:?etObject", "s3:GetObject", True),
    ],
)
def test_actions_have_wildcards_and_no_case(pattern: str, action: str, *, is_meant: bool) -> None:
    assert decided(allow(Action=["x:Y", pattern]), action=action) == is_meant


@pytest.mark.parametrize(
    ("pattern", "arn", "is_meant"),
    [
        ("*", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b/c", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b\nc", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::B/a", False),
        ("arn:aws:s3:::b/????/??/i", "arn:aws:s3:::b/2026/05/i", True),
        ("arn:aws:s3:::b/????/??/i", "arn:aws:s3:::b/2026/5/i", False),
        ("arn:aws:s3:::b/a.json", "arn:aws:s3:::b/a-json", False),
        # A wildcard stays within its part of the ARN.
        ("arn:*:q", "arn:aws:sqs:eu-west-1:1:q", False),
        ("arn:aws:sqs:*:1:q", "arn:aws:sqs:eu-west-1:1:q", True),
        ("arn:aws:sqs:*:q", "arn:aws:sqs:eu-west-1:1:q", False),
    ],
)
def test_resources_have_wildcards(pattern: str, arn: str, *, is_meant: bool) -> None:
    assert arn_matches(pattern, arn) == is_meant


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"s3:prefix": "a/"}}, {"s3_prefix": "a/"}, True),
        ({"StringEquals": {"s3:prefix": "a/*"}}, {"s3_prefix": "a/b"}, False),
        ({"StringLike": {"s3:prefix": ["b", "a/*"]}}, {"s3_prefix": "a/b"}, True),
        ({"StringLike": {"S3:Prefix": "a"}}, {"s3_prefix": "a"}, True),
        ({"StringLike": {"s3:prefix": "*"}}, {}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws_SecureTransport": "false"}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws_SecureTransport": "true"}, False),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::b*"}}, {"aws_SourceArn": ARN}, True),
        ({"Null": {"s3:if-match": "true"}}, {}, True),
        ({"Null": {"s3:if-match": "true"}}, {"s3_if-match": "x"}, False),
        ({"Null": {"s3:if-match": "false"}}, {"s3_if-match": "x"}, True),
        ({"Null": {"s3:if-match": "false"}}, {}, False),
        # All conditions must hold, and each key of them.
        (
            {"StringEquals": {"s3:prefix": "a"}, "Bool": {"x:y": "true"}},
            {"s3_prefix": "a", "x_y": "false"},
            False,
        ),
        ({"StringEquals": {"s3:prefix": "a", "x:y": "b"}}, {"s3_prefix": "a"}, False),
    ],
)
def test_conditions_limit_a_statement(
    condition: dict[str, Any], context: dict[str, str], *, holds: bool
) -> None:
    assert decided(allow(Condition=condition), **context) == holds


@pytest.mark.parametrize(
    ("principal", "is_meant"),
    [
        ("*", True),
        ({"Service": "s3.amazonaws.com"}, True),
        ({"Service": ["x.amazonaws.com", "s3.amazonaws.com"]}, True),
        ({"Service": "x.amazonaws.com"}, False),
        ({"AWS": "*"}, False),
        ({"AWS": "s3.amazonaws.com"}, False),
    ],
)
def test_a_policy_of_a_resource_names_whom_it_is_about(principal: Any, *, is_meant: bool) -> None:
    statements = policy([allow(Principal=principal)])

    assert is_allowed(
        Request("s3:GetObject", ARN), statements, ("Service", "s3.amazonaws.com")
    ) == (is_meant)


@pytest.mark.parametrize(
    "elements",
    [
        {"NotAction": "s3:PutObject"},
        {"NotResource": ARN},
        {"NotPrincipal": "*"},
        {"Effect": "allow"},
        {"Condition": {"NumericLessThan": {"s3:max-keys": "10"}}},
        {"Condition": {"StringLikeIfExists": {"s3:prefix": "a"}}},
    ],
)
def test_what_the_judge_does_not_know_it_refuses(elements: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not understood"):
        Statement.parse(allow() | elements)
