"""`make verify`: compares a deployed site with its sources from here, and repairs it if asked to.

The comparison is the function's own. Use the version that is deployed: another one renders other
pages, and would call all of them different.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from broadsheet.errors import BroadsheetError
from broadsheet.settings import Settings
from broadsheet.store import Store
from broadsheet.verify import Verifier, Walk

NEEDED = ("SOURCE_BUCKET", "SITE_BUCKET", "DISTRIBUTION_ID", "SITE_URL")


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify and say what differs; the exit status is 1 if something still does."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parse(given)
    console = Console(highlight=False)
    try:
        if not all(os.environ.get(name) for name in NEEDED):
            os.environ.update(variables(options.stack))
        return _verify(console, repair=options.repair)
    except (BotoCoreError, ClientError, LookupError) as error:
        console.print(f"[bold red]error[/]  {escape(str(error))}", soft_wrap=True)
        return 2


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make verify", description=__doc__)
    parser.add_argument("--stack", default="broadsheet", help="the stack's name (broadsheet)")
    parser.add_argument("--repair", action="store_true", help="repair what differs")
    return parser.parse_args(arguments)


def variables(stack: str) -> Mapping[str, str]:
    """The environment of a stack's function. Raises LookupError where the stack has none."""
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])}
    if "FunctionName" not in outputs:
        raise LookupError(f"the stack {stack} is none of Broadsheet's: it has no FunctionName")
    function = boto3.client("lambda").get_function_configuration(
        FunctionName=outputs["FunctionName"]
    )
    found: Mapping[str, str] = function["Environment"]["Variables"]
    return {name: value for name, value in found.items() if value}


def _verify(console: Console, *, repair: bool) -> int:
    # Repaired from here, and not by messages: so that the end of this is the end of it.
    settings = Settings.from_environment({**os.environ, "QUEUE_URL": ""})
    console.print(f"Comparing {settings.site_bucket} with {settings.source_bucket} …")
    checked = ours = foreign = 0
    try:
        for walk, step in Verifier(Store(settings), settings).steps(Walk(), repair=repair):
            checked += step.checked
            for difference in step.differences:
                colour = "dim" if difference.foreign else "yellow"
                said = f"[{colour}]{walk.part:9}[/] {escape(difference.key)} {difference.what}"
                console.print(said, soft_wrap=True)
                foreign += difference.foreign
                ours += not difference.foreign
    except BroadsheetError as error:
        console.print(f"[bold red]error[/]  {escape(str(error))}", soft_wrap=True)
        return 2
    if foreign:
        console.print(f"{foreign} objects are none of the site's and were left alone.")
    return _conclude(console, checked, ours, repair=repair)


def _conclude(console: Console, checked: int, differences: int, *, repair: bool) -> int:
    if not differences:
        console.print(f"[bold green]OK[/]  {checked:,} keys looked at, nothing differs.")
        return 0
    told = f"{checked:,} keys looked at, {differences:,} differences"
    if repair:
        console.print(f"[bold green]repaired[/]  {told}, all repaired.")
        return 0
    console.print(f"[bold red]differs[/]  {told}. To repair them: make verify REPAIR=1")
    return 1


if __name__ == "__main__":
    sys.exit(main())
