"""A rebuild by Step Functions: the state machine of `template.yaml` and the real function, in moto.

What moto lacks for that, and what nobody can try here, is told in tests/engine.py.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from broadsheet.reconcile import KEYS_PER_MESSAGE, name_of_rebuild
from local.deployment import Target
from local.rebuilds import Counts, counts_since
from tests.cloudformation import TEMPLATE, listed, properties, role
from tests.commands import STACK, make_stack, of_stack, plain
from tests.engine import Engine, definition, running
from tests.iam import Request, is_allowed
from tests.newsroom import DONE, SITE, SOURCE, Newsroom, failed, make_buckets, make_distribution
from tests.policies import MACHINE, TLS, Deployment, present
from tests.test_policies import OF_THE_MAP, grants, unneeded

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("hurry")
POISON = "articles/b-3.json"
# Small batches, so that a few articles make many of them.
FEW = 5


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An empty site with a queue and a state machine."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        make_buckets()
        monkeypatch.setenv("DISTRIBUTION_ID", make_distribution())
        url = boto3.client("sqs").create_queue(QueueName="paper-publish")["QueueUrl"]
        for name, value in (("QUEUE_URL", url), ("MEDIA_QUEUE_URL", url)):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("REBUILD_MACHINE_ARN", MACHINE)
        with running(Engine(Newsroom(), url)) as made:
            made.create()
            made.batch = FEW
            yield made


def upload(newsroom: Newsroom, *, batches: int = 3) -> list[str]:
    """So many batches of articles, the last of them not full, whose events never came."""
    return [
        newsroom.upload(
            f"{chr(ord('a') + i // FEW)}-{i % FEW}",
            published_at=f"2026-05-{i % 28 + 1:02}T00:00:00Z",
        )
        for i in range(batches * FEW - 2)
    ]


def change_site(newsroom: Newsroom, name: str = "The Harbour") -> None:
    newsroom.upload_bytes("site.json", json.dumps({"name": name}).encode())


def receipt(newsroom: Newsroom) -> dict[str, Any]:
    answer = newsroom.s3.get_object(Bucket=SOURCE, Key="receipts/rebuild.json")
    found: dict[str, Any] = json.loads(answer["Body"].read())
    return found


def left(engine: Engine) -> list[dict[str, Any]]:
    """The messages that are in the queue."""
    found = boto3.client("sqs").receive_message(
        QueueUrl=engine.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def test_a_change_of_site_json_makes_every_article_anew(engine: Engine) -> None:
    keys = upload(engine.newsroom)
    change_site(engine.newsroom)

    assert engine.deliver("site.json") == DONE

    (execution,) = engine.executions()
    assert execution["status"] == "SUCCEEDED"
    assert sorted(map(len, engine.invoked)) == [3, 5, 5]
    assert sorted(key for batch in engine.invoked for key in batch) == sorted(keys)
    assert left(engine) == []
    engine.newsroom.assert_converged()
    told = receipt(engine.newsroom)
    assert (told["status"], told["articles"], told["left_to_queue"]) == ("rebuilt", 13, 0)
    assert told["execution"] == name_of_rebuild(["m"])
    assert told["details"] in engine.newsroom.keys(SOURCE)
    assert told["began"] <= told["ended"]


def test_more_articles_than_a_listing_has_are_all_made_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The function is not run: it is the engine's list that is looked at.
    monkeypatch.setattr(Newsroom, "deliver", lambda *_, **__: DONE)
    engine.batch = KEYS_PER_MESSAGE
    keys = [f"articles/{i:04}.json" for i in range(1010)]
    for key in keys:
        engine.newsroom.upload_bytes(key, b"")

    engine.client.start_execution(stateMachineArn=MACHINE, name="n", input="{}")

    assert engine.executions()[0]["status"] == "SUCCEEDED"
    # One that moto's own haste made fail is invoked again, as the machine has it.
    found = [key for batch in sorted(engine.invoked) for key in batch]
    assert list(dict.fromkeys(found)) == keys


def test_a_second_rebuild_changes_no_byte(engine: Engine) -> None:
    upload(engine.newsroom, batches=1)
    change_site(engine.newsroom)
    engine.deliver("site.json", message="1")
    engine.executions()
    before = state(engine.newsroom)

    engine.deliver("site.json", message="2")

    assert len(engine.executions()) == 2
    assert state(engine.newsroom) == before


def state(newsroom: Newsroom) -> dict[str, bytes]:
    """All of the site bucket, the function's own objects included."""
    return {
        key: newsroom.s3.get_object(Bucket=SITE, Key=key)["Body"].read()
        for key in newsroom.keys(SITE)
    }


def test_a_poisoned_batch_is_tolerated_told_and_left_to_the_queue(engine: Engine) -> None:
    upload(engine.newsroom, batches=11)
    change_site(engine.newsroom)
    engine.fault = lambda keys: "PublishError" if POISON in keys else ""

    engine.deliver("site.json")

    (execution,) = engine.executions()
    assert execution["status"] == "SUCCEEDED"
    attempts = [batch for batch in engine.invoked if POISON in batch]
    assert len(attempts) == 20
    told = receipt(engine.newsroom)
    assert (told["status"], told["articles"], told["left_to_queue"]) == ("rebuilt", 53, 5)
    assert left(engine) == [{"reconcile": {"keys": attempts[0]}}]
    # What was left is done by the queue.
    engine.fault = lambda _: ""
    engine.newsroom.work_off()
    engine.newsroom.assert_converged()


def test_too_many_failures_end_it_and_all_is_left_to_the_queue(engine: Engine) -> None:
    upload(engine.newsroom)
    change_site(engine.newsroom)
    engine.fault = lambda keys: "PublishError" if POISON in keys else ""

    engine.deliver("site.json")

    (execution,) = engine.executions()
    assert execution["status"] == "FAILED"
    told = receipt(engine.newsroom)
    assert told["status"] == "left to the queue"
    assert told["error"] == "States.ExceedToleratedFailureThreshold"
    assert {"reconcile": {"after": ""}} in left(engine)
    engine.newsroom.work_off()
    engine.newsroom.assert_converged()


def test_articles_that_can_not_be_listed_are_left_to_the_queue(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("AccessDenied")

    upload(engine.newsroom, batches=1)
    change_site(engine.newsroom)
    with running(engine), monkeypatch.context() as patched:
        patched.setattr(
            "moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval"
            ".resource_eval_s3.ResourceEvalS3._handle_list_objects_v2",
            staticmethod(refuse),
        )
        engine.deliver("site.json")
        assert engine.executions()[0]["status"] == "FAILED"
    assert left(engine) == [{"reconcile": {"after": ""}}]


def test_a_throttled_function_is_no_failure(engine: Engine) -> None:
    upload(engine.newsroom, batches=1)
    change_site(engine.newsroom)
    refusals = iter(["Lambda.TooManyRequestsException"] * 60)
    engine.fault = lambda _: next(refusals, "")

    engine.deliver("site.json")

    assert engine.executions()[0]["status"] == "SUCCEEDED"
    assert len(engine.invoked) == 61
    engine.newsroom.assert_converged()


# How it is started


def test_a_message_that_comes_again_starts_nothing_again(engine: Engine) -> None:
    upload(engine.newsroom, batches=1)
    change_site(engine.newsroom)

    for _ in range(2):
        assert engine.deliver("site.json", message="1") == DONE
        engine.executions()

    assert [one["name"] for one in engine.executions()] == [name_of_rebuild(["1"])]


def test_a_message_more_starts_another_rebuild(engine: Engine) -> None:
    """What it tells of may have happened after the first has read site.json."""
    change_site(engine.newsroom)
    upload(engine.newsroom, batches=1)
    body = json.dumps({"reconcile": {"keys": ["site.json"]}})
    records = [{"messageId": name, "body": body} for name in ("1", "2")]

    for messages in (records[:1], records, records[::-1], records[1:]):
        with engine.lock:
            assert engine.newsroom.deliver(event={"Records": messages}) == DONE
        engine.executions()

    names = {one["name"] for one in engine.executions()}
    assert names == {name_of_rebuild(ids) for ids in (["1"], ["1", "2"], ["2"])}
    assert len(names) == 3


def test_a_start_that_fails_fails_its_message_and_comes_again(engine: Engine) -> None:
    change_site(engine.newsroom)
    upload(engine.newsroom, batches=1)
    engine.client.delete_state_machine(stateMachineArn=MACHINE)
    assert failed(engine.deliver("site.json")) == ["m"]
    engine.create()

    assert engine.deliver("site.json") == DONE

    assert engine.executions()[0]["status"] == "SUCCEEDED"
    engine.newsroom.assert_converged()


def test_a_rebuild_that_was_stopped_is_made_whole_by_another(engine: Engine) -> None:
    upload(engine.newsroom)
    change_site(engine.newsroom)
    engine.fault = stop_after(engine, 2)
    engine.deliver("site.json", message="1")
    assert [one["status"] for one in engine.executions()] != ["SUCCEEDED"]
    engine.fault = lambda _: ""
    # Nor does the queue help.
    boto3.client("sqs").purge_queue(QueueUrl=engine.queue_url)

    engine.deliver("site.json", message="2")

    assert "SUCCEEDED" in [one["status"] for one in engine.executions()]
    engine.newsroom.assert_converged()


def stop_after(engine: Engine, count: int) -> Any:
    def fault(_: list[str]) -> str:
        if len(engine.invoked) > count:
            (one,) = engine.client.list_executions(stateMachineArn=MACHINE)["executions"]
            engine.client.stop_execution(executionArn=one["executionArn"])
            return "Stopped"
        return ""

    return fault


def test_two_rebuilds_at_once_converge(engine: Engine) -> None:
    upload(engine.newsroom)
    change_site(engine.newsroom)
    with engine.lock:
        engine.deliver("site.json", message="1")
        change_site(engine.newsroom, "The Quay")
        engine.deliver("site.json", message="2")

    assert {one["status"] for one in engine.executions()} == {"SUCCEEDED"}
    engine.newsroom.assert_converged()


def test_without_a_state_machine_it_goes_through_the_queue(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REBUILD_MACHINE_ARN")
    upload(engine.newsroom, batches=1)
    change_site(engine.newsroom)

    engine.deliver("site.json")

    assert engine.executions() == []
    engine.newsroom.work_off()
    engine.newsroom.assert_converged()


# What moto can not show, read from the definition


def states(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All states, those of the batches included."""
    for name, one in found["States"].items():
        yield name, one
        if "ItemProcessor" in one:
            yield from states(one["ItemProcessor"])


def test_every_state_leads_somewhere_and_is_led_to() -> None:
    found = definition()
    for machine in (found, found["States"]["Rebuild"]["ItemProcessor"]):
        led = {machine["StartAt"]}
        for one in machine["States"].values():
            follows = {one["Next"]} if "Next" in one else set()
            led |= follows | {catch["Next"] for catch in one.get("Catch", [])}
            assert bool(follows) + bool(one.get("End")) + (one["Type"] == "Fail") == 1
        assert led == set(machine["States"])


def test_every_call_is_tried_again_for_whatever_error() -> None:
    for name, one in states(definition()):
        if one["Type"] == "Task":
            assert one["Retry"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_a_batch_is_a_message_and_is_tried_as_often() -> None:
    found = definition()["States"]["Rebuild"]
    publish = found["ItemProcessor"]["States"]["Publish"]
    attempts = properties("PublishQueue")["RedrivePolicy"]["maxReceiveCount"]

    assert found["ItemBatcher"] == {"MaxItemsPerBatch": KEYS_PER_MESSAGE}
    assert publish["Retry"][-1]["MaxAttempts"] + 1 == attempts
    assert publish["TimeoutSeconds"] > properties("PublishFunction")["Timeout"]
    # A text of 256 KiB is the most that a state, an invocation or a message of the queue takes.
    assert KEYS_PER_MESSAGE * (1024 + 200) < 256 * 1024


def test_the_map_is_one_that_aws_bounds_and_counts() -> None:
    found = definition()["States"]["Rebuild"]

    assert found["ItemReader"]["Parameters"] == {
        "Bucket": Deployment().source_bucket,
        "Prefix": "articles/",
    }
    assert found["MaxConcurrency"] == TEMPLATE["Parameters"]["RebuildConcurrency"]["Default"]
    assert found["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }
    # Without it the results of all batches would have to fit into 256 KiB.
    assert found["ResultWriter"]["Parameters"]["Prefix"] == "rebuilds"
    assert len(found["Label"]) <= 40


# The command line


@pytest.fixture
def paper(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A stack whose queue is worked off whenever a command waits, until its rebuild is over."""
    make_stack(RebuildMachineArn=MACHINE)
    monkeypatch.setattr("local.cli.site._now", lambda _: time.time() - 60)

    def work(_seconds: float) -> None:
        if not engine.client.list_executions(stateMachineArn=MACHINE)["executions"]:
            engine.newsroom.work_off()
            engine.executions()

    monkeypatch.setattr("local.cli.site.time.sleep", work)
    return engine


def test_the_command_follows_the_rebuild_to_its_end(
    paper: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    upload(paper.newsroom)

    assert of_stack("rebuild") == 0

    assert "13 articles made anew" in plain(capsys.readouterr().out)
    assert len(paper.executions()) == 1
    paper.newsroom.assert_converged()


def test_the_command_tells_what_was_left_to_the_queue(
    paper: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    upload(paper.newsroom, batches=11)
    paper.fault = lambda keys: "PublishError" if POISON in keys else ""

    assert of_stack("rebuild") == 1

    assert "5 of 53 could not be made anew and were left to the queue (SUCCEEDED)" in plain(
        capsys.readouterr().out
    )


def test_the_command_tells_when_nothing_happens(
    paper: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10_000))
    monkeypatch.setattr("local.cli.site.time.sleep", lambda _: None)
    monkeypatch.setattr("local.cli.site.time.monotonic", lambda: next(ticks))

    assert of_stack("rebuild", "--timeout", "5") == 1

    assert "nothing more for 5 s. It goes on in the background" in plain(capsys.readouterr().out)
    assert paper.executions() == []


def test_a_rebuild_that_began_before_is_not_taken_for_it(paper: Engine) -> None:
    upload(paper.newsroom, batches=1)
    paper.deliver("site.json", message="earlier")
    paper.executions()
    deployment = Target(STACK).connect()

    before = counts_since(deployment, datetime.now(UTC) - timedelta(minutes=1))
    after = counts_since(deployment, datetime.now(UTC) + timedelta(minutes=1))

    assert (before.status, before.total, before.done) == ("SUCCEEDED", 3, 3)
    assert after == Counts()


# What the state machine may do


def test_its_role_allows_nothing_that_neither_it_nor_the_map_needs(engine: Engine) -> None:
    upload(engine.newsroom, batches=1)
    engine.fault = lambda _: "PublishError"
    engine.deliver("site.json", message="1")
    engine.executions()
    engine.fault = lambda _: ""
    engine.deliver("site.json", message="2")
    engine.executions()
    allowed = [grant for one in present("Rebuild").role() for grant in grants(one)]
    ours = [grant for grant in allowed if grant.actions[0] not in OF_THE_MAP]

    assert unneeded(ours, engine.newsroom.needed["Rebuild"]) == []
    assert {one.actions[0] for one in allowed} - {one.actions[0] for one in ours} == OF_THE_MAP


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "SourceBucket.Arn/articles/a.json"),
        ("s3:PutObject", "SourceBucket.Arn/articles/a.json"),
        ("s3:PutObject", "SourceBucket.Arn/site.json"),
        ("s3:PutObject", "SourceBucket.Arn/receipts/articles/a.json"),
        ("s3:DeleteObject", "SourceBucket.Arn/rebuilds/a/manifest.json"),
        ("s3:PutObject", "SiteBucket.Arn/index.html"),
        ("sqs:SendMessage", "MediaQueue.Arn"),
        ("sqs:ReceiveMessage", "PublishQueue.Arn"),
        ("lambda:UpdateFunctionCode", "PublishFunction.Arn"),
    ],
)
def test_its_role_can_not(action: str, resource: str) -> None:
    here = replace(Deployment(), function="Rebuild")
    name, slash, key = resource.partition("/")
    request = Request(action, f"{here.names[name]}{slash}{key}", (TLS,))

    assert not is_allowed(request, here.everything())


def test_only_step_functions_takes_its_role_and_only_for_this_machine() -> None:
    (statement,) = properties("RebuildRole")["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "states.amazonaws.com"}
    assert set(statement["Condition"]) == {"StringEquals", "ArnLike"}
    assert properties("RebuildMachine")["RoleArn"] == {"Fn::GetAtt": "RebuildRole.Arn"}
    for one in role("Rebuild"):
        assert not any("*" in action for action in listed(one["Action"]))
        assert "*" not in listed(one["Resource"])
