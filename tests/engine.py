"""Step Functions in moto, with what moto lacks of a Distributed Map, and the real function.

It runs the definition of `template.yaml`. moto's own interpreter knows neither batches nor a
threshold of failures, lists no more than 1,000 objects, takes a percentage only as 10.0, and gives
names of parameters to boto3 as they are, where AWS has them begin with a capital. So
``ItemBatcher`` is taken out of the definition before moto reads it, and what it and
``ToleratedFailurePercentage`` ask for is done here. Not modelled at all: invocations at the same
time (moto's workers take turns at the function), names of executions that are free again after 90
days, quotas, and the files of the ResultWriter but for its manifest.
"""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.handlers import BUILTIN_HANDLERS
from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
)

from tests import policies
from tests.cloudformation import TEMPLATE, properties
from tests.newsroom import SOURCE, Newsroom, Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

# By this key moto signs what a state machine calls.
_KEY_OF_MACHINES = "ak"

_Sdk = state_task_service_aws_sdk.StateTaskServiceAwsSdk
_Reader = resource_eval_s3.ResourceEvalS3
_Map = distributed_iteration_component.DistributedIterationComponent
_Worker = distributed_item_processor_worker.DistributedItemProcessorWorker


def definition(queue_url: str = "", **buckets: str) -> dict[str, Any]:
    """The deployed definition, with the names that CloudFormation would put into it."""
    names = policies.Deployment(**buckets).names | {
        "PublishQueue": queue_url,
        "RebuildConcurrency": str(TEMPLATE["Parameters"]["RebuildConcurrency"]["Default"]),
    }
    text = properties("RebuildMachine")["DefinitionString"]["Fn::Sub"]
    found: dict[str, Any] = json.loads(
        re.sub(r"\$\{([^}]+)\}", lambda match: names[match[1]], text)
    )
    return found


@dataclass
class Engine:
    """The state machine of a newsroom, whose Lambda is the newsroom's function.

    ``fault`` is asked before each invocation for the error that it ends with, "" for none.
    ``invoked`` has the keys of each. ``batch`` is how many keys that are, by default as deployed.
    """

    newsroom: Newsroom
    queue_url: str
    fault: Callable[[list[str]], str] = lambda _: ""
    invoked: list[list[str]] = field(default_factory=list)
    batch: int = definition()["States"]["Rebuild"]["ItemBatcher"]["MaxItemsPerBatch"]

    def __post_init__(self) -> None:
        self.client = boto3.client("stepfunctions")
        # The function runs in one thread at a time: what Powertools counts is the process's.
        self.lock = threading.RLock()

    def create(self) -> None:
        """Create the state machine."""
        found = definition(self.queue_url, source_bucket=SOURCE)
        rebuild = found["States"]["Rebuild"]
        del rebuild["ItemBatcher"]
        rebuild["ToleratedFailurePercentage"] = float(rebuild["ToleratedFailurePercentage"])
        answer = self.client.create_state_machine(
            name=properties("RebuildMachine")["StateMachineName"]["Fn::Sub"].replace(
                "${AWS::StackName}", policies.STACK
            ),
            definition=json.dumps(found),
            roleArn=f"arn:aws:iam::{policies.ACCOUNT}:role/rebuild",
        )
        assert answer["stateMachineArn"] == policies.MACHINE

    def deliver(self, *keys: str, message: str = "m") -> dict[str, Any]:
        """Deliver one message of the queue."""
        body = json.dumps({"reconcile": {"keys": keys}})
        with self.lock:
            return self.newsroom.deliver(event={"Records": [{"messageId": message, "body": body}]})

    def executions(self) -> list[Any]:
        """All executions, once they are over."""
        for _ in range(6000):
            found: list[Any] = [
                *self.client.list_executions(stateMachineArn=policies.MACHINE)["executions"]
            ]
            if all(one["status"] != "RUNNING" for one in found):
                return found
            threading.Event().wait(0.01)  # time.sleep may be patched
        raise AssertionError("an execution does not end")

    def invoke(self, request: Any, **_: Any) -> AWSResponse:
        """What Lambda does with an invocation of the function."""
        assert policies.Deployment().names["PublishFunction.Arn"].encode() in _unquoted(request.url)
        event = json.loads(request.body)
        keys = event["reconcile"]["keys"]
        with self.lock:
            self.invoked.append(keys)
            if fault := self.fault(keys):
                if fault == "Lambda.TooManyRequestsException":
                    return _answer(request, 429, {"Type": "User", "message": "Rate Exceeded."})
                return _answer(request, 200, {"errorType": fault, "errorMessage": "x"}, failed=True)
            try:
                return _answer(request, 200, self.newsroom.deliver(event=event))
            except Exception as error:  # noqa: BLE001 (as Lambda's own loop)
                said = {"errorType": type(error).__name__, "errorMessage": str(error)}
                return _answer(request, 200, said, failed=True)

    # What moto lacks

    def list(self, env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
        """Read all pages of the listing, in batches."""
        client = _Reader._get_s3_client(resource_runtime_part, state_credentials)  # noqa: SLF001 (to do it as moto does)
        pages = client.get_paginator("list_objects_v2").paginate(**env.stack.pop())
        items = [
            {
                "Etag": one["ETag"],
                "Key": one["Key"],
                "LastModified": one["LastModified"].timestamp(),
                "Size": one["Size"],
                "StorageClass": one["StorageClass"],
            }
            for page in pages
            for one in page.get("Contents", [])
        ]
        batches = range(0, len(items), self.batch)
        env.stack.append([{"Items": items[i : i + self.batch]} for i in batches])


_engine: Engine | None = None


def _invoke(request: Any, **_: Any) -> AWSResponse | None:
    return _engine.invoke(request) if _engine else None


def _remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    if _engine:
        context["params"] = dict(params)


def _permit(model: Any, request_signer: Any, context: dict[str, Any], **_: Any) -> None:
    """Let the state machine's role make its calls, as IAM would."""
    if _engine and request_signer._credentials.access_key == _KEY_OF_MACHINES:  # noqa: SLF001 (whose call it is)
        here = policies.Deployment.from_environment(os.environ, "Rebuild")
        requests = policies.demands(model.name, context["params"])
        _engine.newsroom.needed["Rebuild"] |= {here.demand(one) for one in requests}


BUILTIN_HANDLERS.append(("before-send.lambda.Invoke", _invoke))
BUILTIN_HANDLERS.append(("provide-client-params", _remember))
BUILTIN_HANDLERS.append(("before-call", _permit))


@contextmanager
def running(engine: Engine) -> Iterator[Engine]:
    """Let moto run the state machine with this engine."""
    global _engine  # noqa: PLW0603 (moto has one, too)
    run, evaluate = _Map._map_run, _Worker._eval_job  # noqa: SLF001 (where moto has it)

    def judged(self: Any, env: Any, eval_input: Any) -> None:
        run(self, env, eval_input)
        counts = eval_input.map_run_record.item_counter
        percent = 100 * counts.failed.get() / max(counts.total.get(), 1)
        if percent > eval_input.tolerated_failure_percentage:
            name = StatesErrorName(StatesErrorNameType.StatesExceedToleratedFailureThreshold)
            told = ExecutionFailedEventDetails(error=name.error_name, cause=f"{percent:.0f} %")
            details = cast("EventDetails", {"executionFailedEventDetails": told})
            failed = HistoryEventType.ExecutionFailed
            raise FailureEventException(FailureEvent(env, name, failed, details))

    def counted(self: Any, env: Any, job: Any) -> None:
        evaluate(self, env, job)
        more = len(job.job_input["Items"]) - 1
        counter = self._map_run_record.item_counter
        counter.total.offset(more)
        (counter.failed if job.job_output is None else counter.succeeded).offset(more)

    make, making = boto3.client, threading.Lock()

    def client(*arguments: Any, **options: Any) -> Any:
        # moto makes clients in many threads at once, which boto3's session does not bear.
        with making:
            return make(*arguments, **options)

    def shapes(task: Any) -> Any:
        service = task._get_boto_service_name()  # noqa: SLF001 (where moto has it)
        name = task.resource.api_action
        return boto3.client(service).meta.service_model.operation_model(name[0].upper() + name[1:])

    def asked(self: Any, parameters: dict[str, Any]) -> None:
        self._to_boto_request(parameters, shapes(self).input_shape)

    def answered(self: Any, response: dict[str, Any]) -> None:
        self._from_boto_response(response, shapes(self).output_shape)

    with ExitStack() as stack:
        for owner, name, replacement in (
            (_Reader, "_handle_list_objects_v2", staticmethod(engine.list)),
            (_Map, "_map_run", judged),
            (_Worker, "_eval_job", counted),
            (boto3, "client", client),
            (_Sdk, "_normalise_parameters", asked),
            (_Sdk, "_normalise_response", answered),
        ):
            stack.enter_context(patch.object(owner, name, replacement))
        _engine = engine
        try:
            yield engine
        finally:
            _engine = None


def _unquoted(url: str) -> bytes:
    return url.replace("%3A", ":").encode()


def _answer(request: Any, status: int, value: Any, *, failed: bool = False) -> AWSResponse:
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": "engine"}
    if failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if status == 429:
        headers["x-amzn-ErrorType"] = "TooManyRequestsException"
    pairs = HTTPHeaders.from_pairs(headers.items())
    return AWSResponse(request.url, status, pairs, Raw(json.dumps(value).encode()))
