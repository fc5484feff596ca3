"""`template.yaml` against the code that runs by it, and against what AWS would do with it."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import media
import outside
import ping
from broadsheet import hooks, store
from broadsheet.notifications import messages_of
from broadsheet.settings import Settings
from broadsheet.site_config import SiteConfig
from broadsheet.verify import Walk
from local import edge
from tests.cloudformation import (
    RESOURCES,
    ROOT,
    SOURCE,
    TEMPLATE,
    edge_code,
    listed,
    notified,
    properties,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def distribution() -> dict[str, Any]:
    found: dict[str, Any] = properties("Distribution")["DistributionConfig"]
    return found


class Environ(dict[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)


def variables(function: str = "Publish") -> dict[str, Any]:
    found: dict[str, Any] = properties(f"{function}Function")["Environment"]["Variables"]
    return found


# The function


FUNCTIONS = ("Publish", "Media")
ALL = (*FUNCTIONS, "Ping")


@pytest.mark.parametrize("function", ALL)
def test_the_handler_is_where_the_template_says(function: str) -> None:
    found = properties(f"{function}Function")
    module, name = found["Handler"].split(".")

    assert found["CodeUri"] == f"functions/{function.lower()}/"
    assert (ROOT / found["CodeUri"] / f"{module}.py").is_file()
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_code_reads_every_variable_that_the_template_sets(function: str) -> None:
    ours = {name for name in variables(function) if not name.startswith(("POWERTOOLS_", "MALLOC_"))}
    environ = Environ(dict.fromkeys(ours, ""))
    environ.update(
        SOURCE_BUCKET="source",
        SITE_BUCKET="site",
        DISTRIBUTION_ID="E",
        SITE_URL="https://a.example",
    )

    Settings.from_environment(environ)

    assert ours <= environ.asked


def test_the_template_sets_every_variable_that_the_code_requires() -> None:
    for name in ("SOURCE_BUCKET", "SITE_BUCKET", "DISTRIBUTION_ID", "SITE_URL"):
        for function in FUNCTIONS:
            assert variables(function)[name], name
    for name in ("QUEUE_URL", "MEDIA_QUEUE_URL"):
        assert variables("Media")[name] == variables()[name]


def test_values_that_the_template_allows_are_values_that_the_code_knows() -> None:
    required = dict.fromkeys(("SOURCE_BUCKET", "SITE_BUCKET", "DISTRIBUTION_ID"), "x")
    for value in TEMPLATE["Parameters"]["InvalidateBy"]["AllowedValues"]:
        environ = required | {"SITE_URL": "https://a.example", "INVALIDATE_BY": value}
        assert Settings.from_environment(environ).invalidate_by == value


def test_an_empty_endpoint_means_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", variables()["AWS_ENDPOINT_URL"])

    assert boto3.client("sqs").meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


def test_what_sam_local_is_told_to_set_is_declared() -> None:
    told = json.loads((ROOT / "local" / "env.json").read_text(encoding="utf-8"))

    assert set(told) == {"PublishFunction"}
    assert set(told["PublishFunction"]) <= set(variables())


def test_each_processor_has_a_makefile_for_the_packages() -> None:
    context = RESOURCES["BroadsheetLayer"]["Metadata"]["ContextPath"]["Fn::Sub"]
    for arch in TEMPLATE["Parameters"]["Arch"]["AllowedValues"]:
        assert (ROOT / context.replace("${Arch}", arch) / "Makefile").is_file()


def test_layer_and_functions_agree_on_python() -> None:
    (runtime,) = {properties(f"{function}Function")["Runtime"] for function in ALL}
    makefile = (ROOT / "layers" / "packages.mk").read_text(encoding="utf-8")

    assert properties("BroadsheetLayer")["CompatibleRuntimes"] == [runtime]
    assert f"PYTHON_VERSION ?= {runtime.removeprefix('python')}\n" in makefile


def test_snapshots_are_off_by_default_and_old_versions_are_not_kept() -> None:
    function = properties("PublishFunction")
    parameter = TEMPLATE["Parameters"]["SnapStart"]

    assert parameter["Default"] == "None"
    assert parameter["AllowedValues"] == ["None", "PublishedVersions"]
    assert function["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
    # Lambda snapshots versions only; what is deployed makes one, and events go to it.
    assert function["AutoPublishAlias"]
    assert function["AutoPublishAliasAllProperties"] is True
    assert function["VersionDeletionPolicy"] == "Delete"


# The queue


@pytest.mark.parametrize(
    "key", ["articles/a.json", "articles/2026/11/b.json", "site.json", "media/2026/a.jpg"]
)
@pytest.mark.parametrize(
    "event",
    [
        "s3:ObjectCreated:Put",
        "s3:ObjectCreated:Copy",
        "s3:ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectRemoved:Delete",
        "s3:ObjectRemoved:DeleteMarkerCreated",
        "s3:LifecycleExpiration:Delete",
        "s3:LifecycleExpiration:DeleteMarkerCreated",
    ],
)
def test_all_by_which_a_key_appears_or_disappears_is_queued_once(event: str, key: str) -> None:
    assert notified(event, key) == 1


@pytest.mark.parametrize(
    "key",
    ["receipts/articles/a.json", "receipts/site.json", "receipts/media/a.jpg", "drafts/site.json"],
)
def test_what_is_neither_article_nor_picture_wakes_nobody(key: str) -> None:
    assert notified("s3:ObjectCreated:Put", key) == 0


def test_each_picture_goes_to_the_function_that_handles_it_and_to_no_other() -> None:
    queues = properties("SourceBucket")["NotificationConfiguration"]["QueueConfigurations"]
    of = {one["Filter"]["S3Key"]["Rules"][0]["Value"]: one["Queue"]["Fn::GetAtt"] for one in queues}
    (mapping,) = properties("MediaFunction")["Events"].values()

    assert of["media/"] == "MediaQueue.Arn"
    assert of["articles/"] == of["site.json"] == "PublishQueue.Arn"
    assert mapping["Properties"]["Queue"] == {"Fn::GetAtt": "MediaQueue.Arn"}
    assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["Properties"]["BatchSize"] == 1


def test_a_sweep_begins_when_no_publish_is_left_that_has_read_an_older_manifest() -> None:
    assert properties("PublishFunction")["Timeout"] < media.SWEEP_AFTER
    # SQS delays no message longer.
    assert media.SWEEP_AFTER <= 900


def test_a_message_stays_hidden_for_six_timeouts_and_a_batch_window() -> None:
    picture = properties("MediaFunction")["Timeout"]
    assert properties("MediaQueue")["VisibilityTimeout"] >= 6 * picture
    timeout = properties("PublishFunction")["Timeout"]
    window = TEMPLATE["Parameters"]["BatchWindow"]["MaxValue"]

    assert properties("PublishQueue")["VisibilityTimeout"] >= 6 * timeout + window
    timeout = properties("PingFunction")["Timeout"]
    window = properties("PingFunction")["Events"]["Changes"]["Properties"][
        "MaximumBatchingWindowInSeconds"
    ]
    assert properties("PingQueue")["VisibilityTimeout"] >= 6 * timeout + window


def test_what_keeps_failing_goes_to_the_dead_letters_and_is_kept_longer_there() -> None:
    dead = properties("DeadLetterQueue")
    sources = dead["RedriveAllowPolicy"]["sourceQueueArns"]
    for function, source in zip(ALL, sources, strict=True):
        queue = properties(f"{function}Queue")
        redrive = queue["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": "DeadLetterQueue.Arn"}
        assert redrive["maxReceiveCount"] >= 5
        assert dead["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]
        assert source["Fn::Sub"].endswith(":" + queue["QueueName"]["Fn::Sub"])


def test_only_the_messages_that_failed_are_tried_again() -> None:
    mapping = properties("PublishFunction")["Events"]["SourceChanges"]["Properties"]

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == {"Ref": "BatchSize"}
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "MaximumConcurrency"}}


def test_the_reconcile_of_all_articles_is_not_cut_off_as_a_loop() -> None:
    assert properties("PublishFunction")["RecursiveLoop"] == "Allow"


# The articles


def test_articles_survive_the_stack_and_their_own_deletion() -> None:
    bucket = RESOURCES["SourceBucket"]

    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties("SourceBucket")["VersioningConfiguration"] == {"Status": "Enabled"}


def test_no_lifecycle_rule_takes_a_version_that_the_code_may_still_look_for() -> None:
    for rule in properties("SourceBucket")["LifecycleConfiguration"]["Rules"]:
        # Results of rebuilds are nobody's source.
        assert "ExpirationInDays" not in rule or rule["Prefix"] == "rebuilds/"
        if (
            rule.get("Prefix") not in {"receipts/", "rebuilds/"}
            and "NoncurrentVersionExpiration" in rule
        ):
            kept = rule["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"]
            assert kept >= store.VERSIONS


# The site


def test_no_error_is_cached_and_only_a_missing_page_is_shown_as_missing() -> None:
    responses = {one["ErrorCode"]: one for one in distribution()["CustomErrorResponses"]}

    assert {403, 404, 500, 502, 503, 504} <= set(responses)
    assert {one["ErrorCachingMinTTL"] for one in responses.values()} == {0}
    assert responses[404]["ResponseCode"] == 404
    assert responses[404]["ResponsePagePath"] == "/404.html"
    assert [code for code, one in responses.items() if "ResponsePagePath" in one] == [404]


def test_tags_are_read_from_the_metadata_that_the_code_writes() -> None:
    condition, config, nothing = distribution()["CacheTagConfig"]["Fn::If"]

    assert condition == "ByTags"
    assert config == {"HeaderName": "x-amz-meta-cache-tag"}
    assert nothing == {"Ref": "AWS::NoValue"}
    assert '"cache-tag"' in Path(store.__file__).read_text(encoding="utf-8")


def test_a_page_depends_on_its_address_alone() -> None:
    config = properties("CachePolicy")["CachePolicyConfig"]
    parameters = config["ParametersInCacheKeyAndForwardedToOrigin"]

    assert config["MinTTL"] == 0
    assert config["MaxTTL"] == 31536000
    assert parameters["CookiesConfig"] == {"CookieBehavior": "none"}
    assert parameters["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert parameters["QueryStringsConfig"] == {"QueryStringBehavior": "none"}
    assert parameters["EnableAcceptEncodingBrotli"]
    assert parameters["EnableAcceptEncodingGzip"]
    assert "OriginRequestPolicyId" not in distribution()["DefaultCacheBehavior"]


def test_viewers_only_read_and_only_by_tls() -> None:
    behavior = distribution()["DefaultCacheBehavior"]

    assert behavior["AllowedMethods"] == ["GET", "HEAD"]
    assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
    assert behavior["Compress"]
    assert distribution()["HttpVersion"] == "http2and3"
    assert distribution()["DefaultRootObject"] == "index.html"


def test_the_origin_is_read_with_signed_requests() -> None:
    (origin,) = distribution()["Origins"]
    control = properties("OriginAccess")["OriginAccessControlConfig"]

    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": "OriginAccess.Id"}
    assert (control["SigningBehavior"], control["SigningProtocol"]) == ("always", "sigv4")


# The edge function: what becomes of a viewer's path. A path: fetched; a status: answered.
ROUTES: dict[str, str | tuple[int, str]] = {
    "/": "/index.html",
    "/articles/a/": "/articles/a/index.html",
    "/2026/11/": "/2026/11/index.html",
    "/index.html": "/index.html",
    "/rss.xml": "/rss.xml",
    "/topics/sea/feed.json": "/topics/sea/feed.json",
    "/articles/a": (301, "/articles/a/"),
    "/2026/11": (301, "/2026/11/"),
    "/_index/site.json": (404, ""),
    "/_record/": (404, ""),
    "/_": (404, ""),
    "/%5Findex/site.json": (404, ""),
    "/%5findex": (404, ""),
    # No address of a page: S3 is asked, and has no such key.
    "/Articles/A": "/Articles/A",
    "/%E0%A4": "/%E0%A4",
    "/articles/caf%C3%A9": "/articles/caf%C3%A9",
    # A redirect to //host/ would lead to another site.
    "//example.org/a": "//example.org/a",
    "//example": "//example",
    "/\\example/a": "/\\example/a",
}


# Where the edge function's store leads; and, of other forms and addresses, what comes of it.
STORED = {"/2019/05/old": "/articles/a/", "/café": "/articles/b/", "/story.php": "/articles/a/"}
REDIRECTED = {
    "/2019/05/old": (301, "/articles/a/"),
    "/2019/05/old/": (301, "/articles/a/"),
    "/2019/05/old/index.html": (301, "/articles/a/"),
    "/2019/05/old/?page=2&x=%2F": (301, "/articles/a/?page=2&x=%2F"),
    "/2019/05/old?": (301, "/articles/a/"),
    "/caf%C3%A9/": (301, "/articles/b/"),
    "/story.php": (301, "/articles/a/"),
    "/story.php/": (301, "/articles/a/"),
}


def edge_answers(targets: Iterable[str], store: str) -> dict[str, str | tuple[int, str]]:
    """What the edge function makes of request targets, with the first line ``store``."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("the edge function is JavaScript, and there is no node on PATH to run it")
    requests = [target.partition("?") for target in targets]
    script = f"""{store}
        {edge_code()}
        async function answers(requests) {{
          const found = [];
          for (const [uri, mark, query] of requests) {{
            const rawQueryString = () => (mark ? query : undefined);
            found.push(await handler({{ request: {{ uri, rawQueryString }} }}));
          }}
          console.log(JSON.stringify(found));
        }}
        answers(JSON.parse(process.argv[1]));"""
    done = subprocess.run(
        [node, "-e", script, json.dumps(requests)], capture_output=True, text=True, check=True
    )
    found: dict[str, str | tuple[int, str]] = {}
    for target, answer in zip(targets, json.loads(done.stdout), strict=True):
        location = answer.get("headers", {}).get("location", {}).get("value", "")
        found[target] = answer["uri"] if "uri" in answer else (answer["statusCode"], location)
    return found


def test_the_edge_function_runs_before_the_cache() -> None:
    (association,) = distribution()["DefaultCacheBehavior"]["FunctionAssociations"]

    assert association["EventType"] == "viewer-request"
    assert association["FunctionARN"] == {"Fn::GetAtt": "EdgeFunction.FunctionMetadata.FunctionARN"}


@pytest.mark.parametrize(
    "store",
    [
        "const redirects = null;",
        "const redirects = { get: async () => { throw new Error('KeyNotFound'); } };",
    ],
)
def test_the_edge_function_finds_pages_redirects_and_hides_the_state(store: str) -> None:
    assert edge_answers(ROUTES, store) == ROUTES


def test_the_edge_function_leads_on_from_old_addresses() -> None:
    store = f"""const entries = {json.dumps(STORED)};
        const redirects = {{ get: async (key) => {{
          if (!(key in entries)) throw new Error('KeyNotFound');
          return entries[key];
        }} }};"""

    assert edge_answers(REDIRECTED, store) == REDIRECTED
    assert edge_answers(ROUTES, store) == ROUTES


def test_the_edge_function_does_not_look_for_pictures_or_its_own() -> None:
    store = "const redirects = { get: async (key) => '/looked' };"

    found = edge_answers(["/", "/media/a.jpg/0123/480.jpg", "/_record/", "/x"], store)

    assert [answer == (301, "/looked") for answer in found.values()] == [False, False, False, True]


@pytest.mark.parametrize("target", REDIRECTED)
def test_the_local_site_leads_on_from_old_addresses_likewise(target: str) -> None:
    path, _, query = target.partition("?")

    route = edge.route(path, query, lambda key: STORED.get(key, ""))

    assert (301, route.location) == REDIRECTED[target]


def test_the_edge_function_has_the_store_and_is_small_enough() -> None:
    function = properties("EdgeFunction")
    head, code = function["FunctionCode"]["Fn::Join"][1]
    with_store, without = head["Fn::If"][1:]

    assert function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"
    assert with_store == "import cf from 'cloudfront'; const redirects = cf.kvs();"
    assert without == "const redirects = null;"
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
    assert len(f"{with_store}\n{code}".encode()) < 10 * 1024
    # cf.kvs() without a store fails, and so would every request.
    (condition,) = {
        head["Fn::If"][0],
        RESOURCES["RedirectsStore"]["Condition"],
        function["FunctionConfig"]["KeyValueStoreAssociations"]["Fn::If"][0],
        variables()["REDIRECTS_STORE_ARN"]["Fn::If"][0],
    }
    assert TEMPLATE["Conditions"][condition] == {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws"]}


def test_the_local_site_redirects_what_the_edge_function_redirects() -> None:
    (pattern,) = re.findall(r"/\^(.*)\$/\.test\(uri\)", edge_code())

    assert pattern.replace(r"\/", "/") == edge.PAGE.pattern


@pytest.mark.parametrize("path", ROUTES)
def test_the_local_site_leads_where_the_edge_function_leads(path: str) -> None:
    route, expected = edge.route(path), ROUTES[path]

    if isinstance(expected, tuple):
        assert (route.key, route.location) == ("", expected[1])
    else:
        assert not route.location


RSS, ATOM = (f"application/{kind}+xml; charset=utf-8" for kind in ("rss", "atom"))
HTML, XML = (f"{kind}; charset=utf-8" for kind in ("text/html", "application/xml"))
# What an answer's type becomes, by its type and the request's Sec-Fetch-Dest.
SHOWN = {
    (RSS, "document"): XML,
    (ATOM, "document"): XML,
    (RSS, ""): RSS,
    (ATOM, "empty"): ATOM,
    (HTML, "document"): HTML,
    (XML, "document"): XML,
    ("", "document"): "",
}


def test_the_feed_function_shows_feeds_to_who_opens_them_in_a_browser() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("the feed function is JavaScript, and there is no node on PATH to run it")
    events = [
        {
            "request": {"headers": {"sec-fetch-dest": {"value": fetched}} if fetched else {}},
            "response": {"headers": {"content-type": {"value": kind}} if kind else {}},
        }
        for kind, fetched in SHOWN
    ]
    script = properties("FeedFunction")["FunctionCode"] + (
        "\nconst events = JSON.parse(process.argv[1]);"
        "console.log(JSON.stringify(events.map(handler)));"
    )
    done = subprocess.run(
        [node, "-e", script, json.dumps(events)], capture_output=True, text=True, check=True
    )
    types = [
        answer["headers"].get("content-type", {}).get("value", "")
        for answer in json.loads(done.stdout)
    ]
    assert types == [*SHOWN.values()]
    assert types == [edge.shown_as(*case) for case in SHOWN]


def test_the_feed_function_runs_for_feeds_alone_and_changes_nothing_else() -> None:
    default = distribution()["DefaultCacheBehavior"]
    (feeds,) = (b for b in distribution()["CacheBehaviors"] if b["PathPattern"] == "*.xml")
    request, response = feeds["FunctionAssociations"]
    assert [request] == default["FunctionAssociations"]
    assert response == {
        "EventType": "viewer-response",
        "FunctionARN": {"Fn::GetAtt": "FeedFunction.FunctionMetadata.FunctionARN"},
    }
    same = default.keys() - {"FunctionAssociations"}
    assert {name: feeds[name] for name in same} == {name: default[name] for name in same}


# The comparison of the site with its sources


def test_the_schedule_sends_a_message_that_starts_a_comparison() -> None:
    target = properties("VerifyTimer")["Target"]
    event = {"Records": [{"messageId": "1", "body": target["Input"]}]}

    (message,) = messages_of(event, "source", "request")

    assert message.walk == Walk()
    assert target["Arn"] == {"Fn::GetAtt": "PublishQueue.Arn"}


@pytest.mark.parametrize("schedule", ["rate(7 days)", "cron(0 4 ? * SUN *)", ""])
def test_a_schedule_may_be_any_or_none(schedule: str) -> None:
    assert re.fullmatch(TEMPLATE["Parameters"]["VerifySchedule"]["AllowedPattern"], schedule)


# Others


def test_the_ping_rule_takes_events_of_this_site_that_name_a_hub_or_a_key() -> None:
    pattern = properties("PingRule")["EventPattern"]

    assert pattern["source"] == [hooks.SOURCE]
    assert pattern["detail"]["site"] == [variables()["SITE_URL"]]
    assert pattern["detail"]["$or"] == [
        {"websub_hub": [{"exists": True}]},
        {"indexnow_key": [{"exists": True}]},
    ]
    assert {"websub_hub", "indexnow_key"} < set(SiteConfig._fields)


def test_pings_are_off_and_none_of_their_resources_is_made_unless_they_are_on() -> None:
    assert TEMPLATE["Parameters"]["Pings"]["Default"] == "no"
    assert TEMPLATE["Parameters"]["EventBus"]["Default"] == ""
    ours = [name for name in RESOURCES if name.startswith("Ping")]
    assert len(ours) == 6
    assert {RESOURCES[name]["Condition"] for name in ours} == {"HasPings"}
    others = {name: one for name, one in RESOURCES.items() if name not in ours}
    assert not {name for name, one in others.items() if needs(one) & {*ours}}


def test_pings_need_a_bus() -> None:
    (assertion,) = TEMPLATE["Rules"]["PingsByEvents"]["Assertions"]

    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "EventBus"}, ""]}]}


@pytest.mark.parametrize("name", ["", "default", "news.desk-1_a"])
def test_a_bus_may_be_any_of_the_account_or_none(name: str) -> None:
    assert re.fullmatch(TEMPLATE["Parameters"]["EventBus"]["AllowedPattern"], name)


def test_the_ping_function_has_ended_before_lambda_ends_it() -> None:
    timeout = properties("PingFunction")["Timeout"]

    assert timeout >= ping.LONGEST_SECONDS + ping.END_SECONDS
    assert ping.END_SECONDS > outside.CALL_SECONDS


# The alarms


@pytest.mark.parametrize(
    ("metric", "of"),
    [
        ("ApproximateNumberOfMessagesVisible", {"Fn::GetAtt": "DeadLetterQueue.QueueName"}),
        ("ApproximateAgeOfOldestMessage", {"Fn::GetAtt": "PublishQueue.QueueName"}),
        ("Errors", {"Ref": "PublishFunction"}),
        ("Errors", {"Ref": "MediaFunction"}),
        ("Throttles", {"Ref": "PublishFunction"}),
        ("Differences", "publish"),
        ("ExecutionsFailed", {"Ref": "RebuildMachine"}),
    ],
)
def test_somebody_is_told_when_publishing_fails(metric: str, of: Any) -> None:
    (alarm,) = [
        one["Properties"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
        and one["Properties"]["MetricName"] == metric
        and one["Properties"]["Dimensions"][0]["Value"] == of
    ]

    assert alarm["AlarmActions"]["Fn::If"][0] == "HasEmail"


def test_the_log_is_the_functions_and_does_not_grow_for_ever() -> None:
    for function in ALL:
        group = f"{function}LogGroup"
        assert properties(group)["RetentionInDays"] == {"Ref": "LogRetention"}
        assert properties(f"{function}Function")["LoggingConfig"] == {"LogGroup": {"Ref": group}}


# As a whole


def needs(value: Any) -> set[str]:
    """The resources that a value names."""
    if isinstance(value, list):
        return set().union(*map(needs, value))
    if not isinstance(value, dict):
        return set()
    found = set()
    for name, inner in value.items():
        if name == "Ref":
            found |= {inner}
        elif name == "Fn::GetAtt":
            found |= {inner.split(".")[0]}
        elif name == "Fn::Sub":
            found |= {one.split(".")[0] for one in re.findall(r"\$\{([A-Za-z0-9.]+)\}", inner)}
        else:
            found |= needs(inner)
    return found & set(RESOURCES)


def test_no_resource_waits_for_itself() -> None:
    waits = {
        name: needs(one.get("Properties", {})) | {*listed(one.get("DependsOn", []))}
        for name, one in RESOURCES.items()
    }
    # Warshall: what is reached through each resource in turn.
    for through, name in product(waits, waits):
        if through in waits[name]:
            waits[name] |= waits[through]

    assert [name for name, after in waits.items() if name in after] == []


def test_names_fit_where_the_stack_is_called_what_the_template_says_it_may_be() -> None:
    longest, account, region = "s" * 28, "1" * 12, "ap-southeast-2"
    for bucket in ("SourceBucket", "SiteBucket"):
        name = properties(bucket)["BucketName"]["Fn::Sub"]
        for token, value in (
            ("${AWS::StackName}", longest),
            ("${AWS::AccountId}", account),
            ("${AWS::Region}", region),
        ):
            name = name.replace(token, value)
        assert len(name) <= 63


def test_a_domain_needs_a_certificate_where_cloudfront_looks_for_it() -> None:
    pattern = TEMPLATE["Parameters"]["CertificateArn"]["AllowedPattern"]
    arn = "arn:aws:acm:{}:111122223333:certificate/12ab-34cd"

    assert re.fullmatch(pattern, "")
    assert re.fullmatch(pattern, arn.format("us-east-1"))
    assert not re.fullmatch(pattern, arn.format("eu-west-1"))
    assert TEMPLATE["Rules"]["OwnDomain"]["Assertions"]


def test_outputs_tell_where_to_upload_and_where_to_read() -> None:
    outputs = TEMPLATE["Outputs"]

    assert outputs["SourceBucketName"]["Value"] == {"Ref": "SourceBucket"}
    assert outputs["SiteUrl"]["Value"] == variables()["SITE_URL"]
    assert all(one["Description"] for one in outputs.values())


def test_every_parameter_is_used() -> None:
    for name in TEMPLATE["Parameters"]:
        assert re.search(rf"!Ref {name}\b|\$\{{{name}\}}", SOURCE), name
