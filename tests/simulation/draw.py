"""Draws a plan from a seed: a storm of anything at all, or a scene that aims at something.

In a scene few invocations meet on the same listings, and one of them stands still, or dies, at a
moment where the argument of docs/architecture.md has a joint. Chance alone seldom has it there
while another removes something.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from broadsheet.settings import PARALLEL_CALLS
from tests.newsroom import article
from tests.simulation.moments import MOMENTS, PARSE, SECOND_LOOK
from tests.simulation.plan import FAULTS, START, Fault, Operation, Place, Plan, Stall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.plan import FaultKind

Scene = Callable[[int, random.Random, "_Alphabet"], Plan]

# Late on its last day it is the next month in Tokyo.
DAYS = ("2026-01-02T12", "2026-01-02T13", "2026-02-28T23")
# Where standing still does most harm: others have time to write, or to remove, what comes next.
TENDER = (
    "swap month",
    "swap topic",
    "swap site",
    "swap segment",
    "write listing",
    "write listing",
    "delete listing",
    "look at listing",
    "look at index",
    "write fixed",
    "delete page",
)
# After the index is swapped, or before.
LATE = ("write listing", "write listing", "look at index", "look at source", "invalidate")
VERIFY = Operation("", None, does="verify")
# Where a comparison of the site stands still while what it has seen changes.
COMPARING = (
    SECOND_LOOK,
    SECOND_LOOK,
    "list keys",
    "read source",
    "look at page",
    "look at listing",
    "look at source",
    "delete page",
    "write page",
    "write listing",
    "delete listing",
)
# What somebody may lay hands on: pages of articles, their cards, listings and, with "_", the
# function's own.
PAGES = tuple(f"articles/{path}/index.html" for path in ("a", "b", "c/d"))
CARDS = tuple(f"articles/{path}/card.png" for path in ("a", "b", "c/d"))
PUBLIC = (
    "index.html",
    "archive/index.html",
    "atom.xml",
    "sitemap-2026-01.xml",
    "search/index.html",
    "search/2026/01.idx",
    "search/2026/02.idx",
    "2026/01/index.html",
    "2026/03/index.html",
    "topics/s/index.html",
    "topics/s/2026/01/index.html",
    "404.html",
)
INDEXES = ("_index/2026/01.json", "_index/2026/02.json", "_index/topics/s.json", "_index/site.json")
RECORDS = tuple(f"_record/articles/{path}.json" for path in ("a", "b", "c/d"))
# For what articles wait, and where who handles them stands still while that time comes.
HOURS = tuple((START + timedelta(hours=hour)).isoformat() for hour in (1, 2, 3))
WAITING = (
    "read source",
    "write record",
    "write page",
    "swap month",
    "write listing",
    "delete page",
    "set schedule",
    "set schedule",
    "cancel schedule",
    "look at source",
    "invalidate",
    "receipt",
)
# A slow clock, whose schedule comes too early.
SLOW = 20
DEADLY: tuple[FaultKind, ...] = (
    "crash before",
    "crash after",
    "outage",
    "time is up",
    "time is short",
)


# Old addresses: two that are nobody's, and those of articles.
ALIASES = ("/old/", "/older/", *(f"/articles/{path}/" for path in ("a", "b", "c/d")))
# Where a redirect stands still.
LEADING = (
    "read claims",
    "swap claims",
    "swap claims",
    "look at moved",
    "write moved",
    "write moved",
    "delete moved",
    "look at store",
    "tell store",
    "tell store",
    "look at claims",
    "write page",
    "delete page",
    "look at source",
)


# Where a preview comes or goes.
PREVIEWING = (
    "read record",
    "write record",
    "read secret",
    "write secret",
    "write preview",
    "write preview",
    "look at preview",
    "delete preview",
    "set schedule",
    "look at source",
    "invalidate",
    "receipt",
)


def plan_of(seed: int, scene: str = "") -> Plan:
    """The plan of a seed: in some of them articles have old addresses, in few previews.

    Of this scene, one of AIMS, if it is named.
    """
    calls = random.Random(f"{seed} calls").choice([1, PARALLEL_CALLS])  # noqa: S311 (no secret)
    if scene:
        plan = AIMS[scene](seed, random.Random(f"{seed} {scene}"))  # noqa: S311 (no secret)
    else:
        rng = random.Random(f"{seed} previews")  # noqa: S311 (no secret)
        plan = _previewed(seed, rng) if rng.random() < 0.06 else _addressed(seed)
    return replace(plan, parallel_calls=calls)


def _previewed(seed: int, rng: random.Random) -> Plan:
    """An article has a preview, which ends, while it is worked on."""
    alphabet = _Alphabet(rng, scene=True)
    path, other = alphabet.paths[:2]

    def draft(**fields: Any) -> Operation:
        status = rng.choice(["draft", "draft", "published"])
        fields = {"status": status, "preview_until": rng.choice(HOURS), "topics": []} | fields
        return alphabet.timed(rng, path, **fields)

    first, plain = draft(), alphabet.upload(rng, path, topics=[])
    ends = [plain, draft(preview_until=None), Operation(first.key, None), draft(), draft(title="")]
    calm = [one for one in (plain, first) if rng.random() < 0.5]
    operations = [rng.choice([first, *ends]), replace(rng.choice(ends), after=1)]
    operations = operations[: rng.choice([1, 2])]
    clock = replace(_clock(rng.choice(HOURS)), after=rng.choice([0, 1, 1]))
    operations.insert(rng.randint(0, len(operations)), clock)
    if rng.random() < 0.3:
        operations.append(rng.choice([VERIFY, alphabet.clash(rng, other)]))
    places = [Place(rng.choice([0, 0, 1]), rng.choice(PREVIEWING), 1) for _ in "12"]
    stalls = [Stall(place, 1) for place in places[: rng.randint(0, 2)]]
    faults: tuple[Fault, ...] = ()
    if rng.random() < 0.5:
        faults = (Fault(rng.choice(DEADLY), Place(rng.choice([0, 1]), rng.choice(PREVIEWING), 1)),)
    return replace(
        _plan(seed, calm, operations, stalls),
        faults=faults,
        style=rng.choice(["uniform", "priorities"]),
        changes=frozenset(rng.randrange(100, 300) for _ in range(2)),
        at_once=rng.choice([2, 3]),
        invalidate_by=rng.choice(["tags", "paths"]),
        events=rng.random() < 0.5,
        behind=rng.choice([(0,), (0,), (0, SLOW), (SLOW, 0)]),
    )


def _addressed(seed: int) -> Plan:
    rng = random.Random(f"{seed} aliases")  # noqa: S311 (no secret)
    draw = rng.random()
    if draw < 0.15:
        return _readdressed(seed, rng)
    plan = _plan_of(seed)
    if draw > 0.5:
        return plan
    aliases = rng.sample(ALIASES, rng.choice([1, 2, 2, 3]))
    return replace(
        plan,
        calm=tuple(_with_aliases(rng, one, aliases) for one in plan.calm),
        operations=tuple(_with_aliases(rng, one, aliases) for one in plan.operations),
    )


def _with_aliases(rng: random.Random, operation: Operation, aliases: Sequence[str]) -> Operation:
    """The same upload, if it is one of an article, with some of these aliases."""
    if operation.does != "upload" or not operation.body or operation.key[:9] != "articles/":
        return operation
    claimed = rng.sample(aliases, rng.randint(0, len(aliases)))
    document = json.loads(operation.body) | ({"aliases": claimed} if claimed else {})
    return replace(operation, body=json.dumps(document, separators=(",", ":")).encode())


def _readdressed(seed: int, rng: random.Random) -> Plan:
    """An old address changes hands, or an article comes to one or leaves it, while one is slow."""
    alphabet = _Alphabet(rng, scene=True)
    first, second = alphabet.paths[:2]
    old = rng.choice(["/old/", "/old/", f"/articles/{first}/"])

    def claim(path: str, **fields: Any) -> Operation:
        return alphabet.upload(rng, path, aliases=[old], topics=[], **fields)

    drop = alphabet.upload(rng, second, topics=[])
    there = alphabet.upload(rng, first, topics=[])
    calm = [one for one in (claim(second), claim(first), there) if rng.random() < 0.5]
    others = [
        claim(second),
        claim(first),
        drop,
        there,
        Operation(there.key, None),
        Operation(drop.key, None),
        claim(first, status="withdrawn"),
    ]
    count = rng.choice([2, 2, 3])
    operations = [
        replace(one, after=rng.choice([0, 1]) if n else 0)
        for n, one in enumerate(rng.choices(others, k=count))
    ]
    moments = rng.choices(LEADING, k=rng.choice([1, 1, 2]))
    stalls = [
        Stall(Place(rng.choice([0, 0, 1]), moment, rng.choice([1, 1, 2])), 1) for moment in moments
    ]
    aim = rng.random()
    if aim < 0.25:  # at once
        calm, old = [], "/old/"
        paths = rng.sample([first, second], 2)
        operations = [claim(paths[0]), replace(claim(paths[1]), after=1)]
        stalls = [Stall(Place(0, "swap claims", 1), 1)]
    elif aim < 0.45:  # an address that is given up while it is claimed
        old = f"/articles/{first}/"
        calm = [there]
        operations = [Operation(there.key, None), replace(claim(second), after=1)]
        stalls = [Stall(Place(0, rng.choice(["delete page", "look at source"]), 1), 1)]
    elif aim > 0.85:  # an article comes to an address of which it is about to be led away
        old = f"/articles/{first}/"
        calm, operations = [], [claim(second), replace(there, after=1)]
        stalls = [Stall(Place(0, "write page", 2), 1)]
    elif aim < 0.65:  # who tells of a winner that is none any more
        calm, old = [], "/old/"
        days = [f"{day}:00:00Z" for day in (DAYS[0], DAYS[2])]
        operations = [
            claim(second, published_at=days[0]),
            replace(claim(first, published_at=days[1]), after=1),
        ]
        stalls = [Stall(Place(0, rng.choice(["tell store", "tell store", "look at store"]), 1), 1)]
    faults = []
    if 0.65 < aim < 0.73:  # who comes to an end before the store is told
        old, calm, operations, stalls = "/old/", [], [claim(second)], []
        faults = [Fault(rng.choice(["crash before", "error"]), Place(0, "tell store", 1))]
    elif 0.65 < aim < 0.85 and rng.random() < 0.6:
        place = Place(0, rng.choice(LEADING), rng.choice([1, 1, 2]))
        faults = [Fault(rng.choice([*DEADLY, "response lost", "repeated"]), place)]
    return replace(
        _plan(seed, calm, operations, stalls),
        faults=tuple(faults),
        style=rng.choice(["uniform", "priorities"]),
        changes=frozenset(rng.randrange(100, 300) for _ in range(2)),
        at_once=rng.choice([2, 3]),
        invalidate_by=rng.choice(["tags", "paths"]),
        queue=rng.random() < 0.3,
    )


def _plan_of(seed: int) -> Plan:
    rng = random.Random(seed)  # noqa: S311 (no secret)
    events = rng.random() < 0.5
    if rng.random() < 0.3:
        return replace(_storm(seed, rng), events=events)
    return _staged(seed, rng, rng.choice(SCENES), events=events)


def _staged(seed: int, rng: random.Random, scene: Scene, *, events: bool) -> Plan:
    plan = scene(seed, rng, _Alphabet(rng, scene=True))
    return replace(
        plan,
        faults=plan.faults or tuple(_faults(rng, rng.choice([0, 0, 1]), 2)),
        style=rng.choice(["uniform", "priorities"]),
        changes=frozenset(rng.randrange(100, 300) for _ in range(2)),
        at_once=rng.choice([2, 3]),
        invalidate_by=rng.choice(["tags", "paths"]),
        events=events or plan.events,
    )


def _storm(seed: int, rng: random.Random) -> Plan:
    """Anything at all."""
    alphabet = _Alphabet(rng)
    calm = rng.random() < 0.5
    count = rng.randint(2, 4) if calm else rng.randint(2, 7)
    count = rng.randint(8, 16) if rng.random() < 0.1 else count
    drawn = [alphabet.operation(rng) for _ in range(count)]
    if rng.random() < 0.3:
        for _ in range(rng.randint(1, 2)):
            drawn.insert(rng.randint(0, len(drawn)), VERIFY)
    if rng.random() < 0.15:
        for _ in range(rng.randint(1, 3)):
            drawn.insert(rng.randint(1, len(drawn)), _damage(rng))
    behind: tuple[int, ...] = (0,)
    if rng.random() < 0.2:
        for _ in range(rng.randint(1, 4)):
            drawn.insert(rng.randint(0, len(drawn)), alphabet.timed(rng))
        for hour in sorted(rng.sample(HOURS, rng.randint(0, 2))):
            drawn.insert(rng.randint(len(drawn) // 2, len(drawn)), _clock(hour))
        behind = rng.choice([(0,), (0, SLOW), (SLOW, 0, 0)])
    return Plan(
        seed=seed,
        behind=behind,
        calm=tuple(alphabet.upload(rng) for _ in range(rng.randint(1, 2) if calm else 0)),
        operations=tuple(
            replace(operation, after=rng.choice([0, 0, 0, 1, 2])) for operation in drawn
        ),
        faults=tuple(_faults(rng, rng.randint(1, 4) if rng.random() < 0.8 else 0, count)),
        stalls=tuple(
            Stall(_place(rng, count), rng.randint(1, 3)) for _ in range(rng.choice([0, 1, 2, 3]))
        ),
        style=rng.choice(["uniform", "weights", "priorities", "priorities"]),
        changes=frozenset(rng.randrange(500) for _ in range(rng.randint(1, 6))),
        newest=rng.choice([1, 2, 2, 3, 30]),
        at_once=rng.choice([1, 2, 2, 3, 3, 4]),
        batch=3,
        invalidate_by=rng.choice(["tags", "tags", "paths"]),
        queue=rng.random() < 0.3,
    )


# Scenes


def _clash(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """Different paths of the same listings."""
    calm = [alphabet.upload(rng, path) for path in alphabet.paths[: rng.randint(0, 3)]]
    operations = []
    for turn in range(rng.choice([2, 2, 3])):
        path = alphabet.paths[turn % len(alphabet.paths)]
        operation = alphabet.clash(rng, path)
        operations.append(replace(operation, after=rng.choice([0, 1]) if turn else 0))
    stalls = [
        Stall(Place(rng.choice([0, 0, 0, 1]), rng.choice(TENDER), rng.choice([1, 1, 2, 3, 5])), n)
        for n in rng.choice([(1,), (1,), (1, 1), (1, 2)])
    ]
    return _plan(seed, calm, operations, stalls, newest=rng.choice([1, 2, 30]))


def _outdated(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """Who publishes stands still with a listing in hand, of which another article goes meanwhile.

    The pages in question may have been written before, or died with an earlier attempt.
    """
    first, second = alphabet.paths[:2]
    day, topics = f"{rng.choice(DAYS)}:00:00Z", rng.choice([[], ["S"]])
    calm = [alphabet.upload(rng, first, published_at=day, topics=topics)]
    comes = alphabet.upload(rng, second, published_at=day, topics=topics)
    goes = Operation(calm[0].key, None, after=1)
    if rng.random() < 0.3:
        goes = alphabet.upload(rng, first, status="draft")
    operations = [comes, replace(goes, after=1)]
    stalls = [Stall(Place(0, "write listing", rng.randint(1, 9)), 1)]
    faults = []
    if rng.random() < 0.4:
        faults = [Fault("crash before", Place(0, "write listing", rng.randint(1, 6)))]
        moment = rng.choice(["write listing", "look at listing"])
        stalls = [Stall(Place(1, moment, rng.randint(1, 4)), 1)]
        operations[1] = replace(goes, after=2)
    return replace(_plan(seed, calm, operations, stalls), faults=tuple(faults))


def _succession(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """The last article goes and the next comes: no condition could refuse a deletion.

    The pages of a topic go after the home page, whose condition holds by then.
    """
    first, second = alphabet.paths[:2]
    day = f"{rng.choice(DAYS)}:00:00Z"
    calm = alphabet.upload(rng, first, topics=["S"], published_at=day)
    comes = alphabet.upload(rng, second, topics=["S"], published_at=day)
    moments = [("delete listing", rng.randint(4, 7)), ("delete listing", rng.randint(1, 7))]
    moment, count = rng.choice(
        [*moments, *moments, ("swap site", 1), ("swap topic", 1), ("swap segment", 1)]
    )
    stall = Stall(Place(0, moment, count), 1)
    operations = [Operation(calm.key, None), replace(comes, after=1)]
    return _plan(seed, [calm], operations, [stall], newest=rng.choice([1, 2, 30]))


def _returned(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """A listing changes, and is as it was again, while one of its writers is slow.

    Only a list of months can, by what becomes of others; and a listing that its writer has left
    undone, which somebody mends who has changed nothing himself.
    """
    first, second = alphabet.paths[:2]
    days = [f"{day}:00:00Z" for day in (DAYS[0], DAYS[2])]
    there = alphabet.upload(rng, first, topics=["S"], published_at=days[0])
    comes = alphabet.upload(rng, second, topics=["S"], published_at=rng.choice(days))
    if rng.random() < 0.5:
        stays = alphabet.upload(rng, "stays", topics=["S"], published_at=days[1])
        comes = alphabet.upload(rng, second, topics=["S"], published_at=days[0])
        gone = Operation(there.key, None)
        stall = Stall(Place(0, "write listing", rng.randint(1, 12)), 1)
        return _plan(seed, [there, stays], [gone, replace(comes, after=1)], [stall])
    again, gone = replace(there, after=1), Operation(comes.key, None, after=2)
    stall = Stall(Place(1, "write listing", rng.randint(1, 8)), 1)
    fault = Fault("crash before", Place(0, "write listing", rng.randint(1, 3)))
    return replace(_plan(seed, [there], [comes, again, gone], [stall]), faults=(fault,))


def _searched(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """Who changes, or empties, what search knows of a month is slow, while another adds to it."""
    first, second = alphabet.paths[:2]
    day = f"{rng.choice(DAYS)}:00:00Z"
    calm = [alphabet.upload(rng, first, published_at=day)] if rng.random() < 0.6 else []
    slow = alphabet.upload(rng, first, published_at=day, title="C")
    if calm and rng.random() < 0.6:
        slow = Operation(calm[0].key, None)
    comes = alphabet.upload(rng, second, published_at=day)
    stall = Stall(Place(0, "swap segment", 1), 1)
    return _plan(seed, calm, [slow, replace(comes, after=1)], [stall])


def _overtaken(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """One path in three places one after the other, the first of its writers being slow."""
    path = alphabet.paths[0]
    places = [(day, topics) for day in DAYS[1:] for topics in (["S"], ["T"])]
    versions = [
        alphabet.upload(rng, path, published_at=f"{day}:00:00Z", topics=topics)
        for day, topics in rng.sample(places, 4)
    ]
    calm = versions.pop() if rng.random() < 0.5 else None
    if rng.random() < 0.4:
        versions[2] = Operation(versions[2].key, None)
    first = rng.choice(["write record", "write record", "read record", "write page", "swap month"])
    stalls = [Stall(Place(0, first, 1), 1)]
    if rng.random() < 0.7:
        second = rng.choice(["read index", "swap month", "write listing", "look at source"])
        stalls.append(Stall(Place(0, second, 1), 1))
    operations = [
        replace(version, after=after)
        for version, after in zip(versions, (0, 1, len(stalls) + 1), strict=False)
    ]
    return _plan(seed, [calm] if calm else [], operations, stalls)


def _site(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """A first article, or an old site.json, and a new one changing under it."""
    names = rng.sample(["X", "Y", "Z"], 3)
    upload = alphabet.upload(rng)
    calm = [upload] if rng.random() < 0.3 else []
    first = _site_json(rng, names[0]) if calm else upload
    second = _site_json(rng, names[1]) if rng.random() < 0.9 else alphabet.upload(rng)
    operations = [first, replace(second, after=1)]
    if rng.random() < 0.3:
        operations.append(replace(_site_operation(rng), after=rng.choice([1, 2])))
    fixed = [("write fixed", 1)] * 4
    moments = [
        *fixed,
        ("write fixed", 2),
        ("swap site", 1),
        ("swap month", 1),
        ("look at source", 1),
    ]
    moment, count = rng.choice(moments)
    return _plan(seed, calm, operations, [Stall(Place(0, moment, count), rng.choice([1, 1, 2]))])


def _abandoned(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """An invocation comes to a sudden end; perhaps its source changes before the next attempt."""
    path, other = alphabet.paths[:2]
    known = rng.random() < 0.6
    day = f"{rng.choice(DAYS)}:00:00Z"
    calm = [alphabet.upload(rng, path, published_at=day)] if known else []
    if rng.random() < 0.3:
        calm.append(alphabet.upload(rng, other))
    if known and rng.random() < 0.4:
        operation, moments = Operation(calm[0].key, None), ("delete listing", *LATE)
    else:
        day = day if rng.random() < 0.5 else f"{rng.choice(DAYS)}:00:00Z"
        operation = alphabet.upload(rng, path, published_at=day, title="C")
        moments = ("swap site", *LATE)
    moment = rng.choice(moments)
    place = Place(0, moment, rng.randint(1, MOMENTS[moment]))
    operations, stalls = [operation], []
    if rng.random() < 0.6:
        gone = Operation(operation.key, None, after=1)
        moved = alphabet.upload(rng, path, published_at=f"{rng.choice(DAYS)}:00:00Z")
        operations.append(rng.choice([gone, replace(moved, after=1)]))
        # Either after its end, or while it stands still before the call that it does not survive.
        stalls = [Stall(place, 1)] if rng.random() < 0.5 else []
    plan = _plan(seed, calm, operations, stalls, newest=rng.choice([1, 2, 30]))
    return replace(plan, faults=(Fault(rng.choice(DEADLY), place),))


def _refill(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """One of a scope's newest articles goes, and another one moves up or changes."""
    newest = rng.choice([1, 1, 2])
    topics = rng.choice([[], ["S"]])
    calm = [
        alphabet.upload(rng, path, published_at=f"{day}:00:00Z", topics=topics)
        for path, day in zip("abc"[: newest + 1], rng.sample(DAYS, newest + 1), strict=True)
    ]
    goes = rng.choice(calm).key
    stays = next(operation.key for operation in calm if operation.key != goes)
    changed = alphabet.upload(rng, stays[9:-5], title="C", topics=topics)
    operations = [Operation(goes, None), replace(changed, after=rng.choice([0, 1]))]
    moment = rng.choice(["swap month", "read index", "swap site", "write listing"])
    stalls = [Stall(Place(0, moment, rng.randint(1, MOMENTS[moment])), 1)]
    # Alone, or while the other changes, which may bring it back among the newest.
    return _plan(seed, calm, operations[: rng.randint(1, 2)], stalls, newest=newest)


def _compared(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """The site is compared with its sources while articles come, change and go."""
    calm = [alphabet.upload(rng, path) for path in alphabet.paths]
    path = alphabet.paths[0]
    first = Operation(f"articles/{path}.json", None)
    if rng.random() < 0.3:
        first = alphabet.upload(rng, path)
    operations = [VERIFY, first, replace(alphabet.upload(rng, path), after=rng.choice([0, 1, 1]))]
    operations[:2] = rng.sample(operations[:2], 2)
    if rng.random() < 0.3:
        operations.append(replace(alphabet.clash(rng, alphabet.paths[1]), after=1))
    places = [Place(rng.choice([0, 0, 1]), rng.choice(COMPARING), rng.randint(1, 3)) for _ in "12"]
    stalls = [Stall(place, rng.choice([1, 1, 2])) for place in places]
    return _plan(seed, calm, operations, stalls, newest=rng.choice([1, 2, 30]))


def _damaged(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """Somebody damages the site; something is published then, perhaps, and all is compared."""
    if rng.random() < 0.4:
        return _lost_record(seed, rng, alphabet)
    calm = [alphabet.upload(rng, path) for path in alphabet.paths]
    operations = [_damage(rng) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.5:
        operations.append(replace(alphabet.clash(rng, alphabet.paths[0]), after=rng.choice([0, 1])))
    if rng.random() < 0.5:
        operations.insert(rng.randint(0, len(operations)), VERIFY)
    places = [Place(rng.choice([0, 1]), rng.choice(COMPARING), rng.randint(1, 3))]
    stalls = [Stall(place, 1) for place in places if rng.random() < 0.5]
    plan = _plan(seed, calm, operations, stalls, newest=rng.choice([1, 2, 30]))
    return replace(plan, queue=rng.random() < 0.5)


def _failed_comparison(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """The only comparison after a damage fails on its way, and must come again."""
    calm = [alphabet.upload(rng, path) for path in alphabet.paths]
    key = f"articles/{rng.choice(alphabet.paths)}/index.html"
    damage = Operation(key, rng.choice([None, b"<p>defaced</p>"]), does="damage")
    kinds: list[FaultKind] = ["throttled", "error", "outage"]
    moment = rng.choice(["list keys", "list keys", "read source", "look at page"])
    place = Place(0, moment, rng.randint(1, 2), later=True)
    plan = replace(_plan(seed, calm, [damage], []), faults=(Fault(rng.choice(kinds), place),))
    return replace(plan, queue=rng.random() < 0.5)


def _lost_record(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """An article moves when nobody knows any more where it was."""
    path = alphabet.paths[0]
    calm, moved = (
        alphabet.upload(rng, path, published_at=f"{day}:00:00Z") for day in rng.sample(DAYS[1:], 2)
    )
    lost = Operation(f"_record/articles/{path}.json", None, does="damage")
    return _plan(seed, [calm], [lost, moved], [])


def _raced_repair(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """The page of an article is repaired while the article comes or goes."""
    path, other = alphabet.paths[:2]
    calm = [alphabet.upload(rng, other)]
    changed = alphabet.upload(rng, path)
    body: bytes | None = b"<p>defaced</p>"
    moment = "delete page"
    if rng.random() < 0.5:
        calm.append(changed)
        changed = replace(changed, body=None)
        body = rng.choice([body, None])
        moment = "write page"
    damage = Operation(f"articles/{path}/index.html", body, does="damage")
    stall = Stall(Place(0, rng.choice([moment, moment, rng.choice(COMPARING)]), 1), 1)
    return _plan(seed, calm, [damage, VERIFY, replace(changed, after=1)], [stall])


def _untold(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """The bus does not take an event, or the process ends around it; perhaps its path goes on."""
    path = alphabet.paths[0]
    operations = [alphabet.upload(rng, path), replace(alphabet.clash(rng, path), after=1)]
    moment = rng.choice(["look at receipt", "event", "event", "receipt"])
    kind = rng.choice([*DEADLY, "throttled", "error", "broken", "response lost"])
    stalls = [Stall(Place(0, moment, 1), 1)] if rng.random() < 0.5 else []
    plan = _plan(seed, [], operations[: rng.randint(1, 2)], stalls)
    return replace(plan, events=True, faults=(Fault(kind, Place(0, moment, 1, later=True)),))


def _awaited(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """An article waits for its time, which comes while it, or its neighbour, is worked on."""
    path, other = alphabet.paths[:2]
    calm = [alphabet.upload(rng, other)] if rng.random() < 0.5 else []
    first = alphabet.timed(rng, path)
    if rng.random() < 0.6:
        calm.append(first)
        gone = Operation(first.key, None)
        withdrawn = alphabet.timed(rng, path, status=rng.choice(["draft", "withdrawn"]))
        again = alphabet.timed(rng, path)
        plain = alphabet.upload(rng, path)
        first = rng.choice([gone, withdrawn, again, plain, first])
    operations = [first, replace(_clock(rng.choice(HOURS)), after=rng.choice([0, 1, 1, 2]))]
    neighbour = rng.choice([alphabet.clash(rng, other), alphabet.timed(rng, path), VERIFY])
    operations.insert(rng.randint(0, 2), replace(neighbour, after=rng.choice([0, 0, 1])))
    if rng.random() < 0.3:
        operations.append(_clock(HOURS[-1]))
    places = [Place(rng.choice([0, 0, 1, 2]), rng.choice(WAITING), 1) for _ in "12"]
    stalls = [Stall(place, rng.choice([1, 1, 2])) for place in places[: rng.randint(0, 2)]]
    plan = _plan(seed, calm, operations, stalls, newest=rng.choice([1, 2, 30]))
    faults: tuple[Fault, ...] = ()
    if rng.random() < 0.4:
        faults = (Fault(rng.choice(DEADLY), Place(rng.choice([0, 1]), rng.choice(WAITING), 1)),)
    return replace(plan, faults=faults, behind=rng.choice([(0,), (0,), (0, SLOW), (SLOW, 0)]))


def _cancelled(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """An article that is scheduled is taken away, or goes on, before its schedule is set."""
    path = alphabet.paths[0]
    first = alphabet.timed(rng, path)
    others = [Operation(first.key, None), alphabet.upload(rng, path), alphabet.timed(rng, path)]
    operations = [first, replace(rng.choice(others), after=1)]
    stalls = [Stall(Place(0, "set schedule", 1), 1)]
    faults = (Fault("crash after", Place(0, "set schedule", 1)),) if rng.random() < 0.5 else ()
    return replace(_plan(seed, [], operations, stalls), faults=faults)


def _overwritten(seed: int, rng: random.Random, alphabet: _Alphabet) -> Plan:
    """A path changes, and has its receipt, while who speaks of it as it was is slow."""
    path = alphabet.paths[0]
    calm = [alphabet.upload(rng, path)] if rng.random() < 0.5 else []
    operations = [alphabet.clash(rng, path), replace(alphabet.clash(rng, path), after=1)]
    stalls = [Stall(Place(0, rng.choice(["look at receipt", "receipt", "receipt"]), 1), 1)]
    return _plan(seed, calm, operations, stalls)


def _clock(hour: str) -> Operation:
    return Operation("", hour.encode(), does="clock")


SCENES = (
    _awaited,
    _awaited,
    _awaited,
    _clash,
    _outdated,
    _succession,
    _returned,
    _searched,
    _overtaken,
    _site,
    _abandoned,
    _abandoned,
    _refill,
    _compared,
    _damaged,
    _failed_comparison,
    _raced_repair,
    _untold,
    _cancelled,
    _overwritten,
)


def _alone(scene: Scene) -> Callable[[int, random.Random], Plan]:
    return lambda seed, rng: _staged(seed, rng, scene, events=rng.random() < 0.5)


# Each scene by its name, to be had alone.
AIMS: dict[str, Callable[[int, random.Random], Plan]] = {
    "readdressed": _readdressed,
    "previewed": _previewed,
    **{scene.__name__.strip("_"): _alone(scene) for scene in SCENES},
}


def _plan(
    seed: int,
    calm: Sequence[Operation],
    operations: Sequence[Operation],
    stalls: Sequence[Stall],
    newest: int = 30,
) -> Plan:
    return Plan(seed, tuple(calm), tuple(operations), stalls=tuple(stalls), newest=newest)


# What they are made of


def _faults(rng: random.Random, count: int, invocations: int) -> list[Fault]:
    faults = []
    for kind in rng.choices([*FAULTS, "out of memory"], k=count):
        place = _place(rng, invocations)
        if kind == "out of memory":
            place = replace(place, moment=PARSE, count=1)
        faults.append(Fault(kind, place))
    return faults


def _place(rng: random.Random, invocations: int) -> Place:
    invocation = rng.randrange(min(invocations, 4))
    if rng.random() < 0.4:
        return Place(invocation, "", rng.randint(1, 35), later=True)
    moment = rng.choice([*MOMENTS, *TENDER])
    return Place(invocation, moment, rng.randint(1, MOMENTS[moment]), later=True)


class _Alphabet:
    """The operations of one run: very few paths, topics, months and titles, so that they meet."""

    def __init__(self, rng: random.Random, *, scene: bool = False) -> None:
        self.paths = rng.sample(["a", "b", "c/d"], rng.choice([2, 2, 3] if scene else [1, 2, 2, 3]))
        self._topics = rng.sample(["S", "T"], rng.choice([0, 1, 1, 2]))
        self._days = rng.sample(DAYS, rng.choice([1, 1, 2] if scene else [1, 2, 3]))
        self._titles = ["A", "B"][: rng.randint(1, 2)]
        self._removals = rng.choice([0.1, 0.3, 0.5])
        self._sites = rng.choice([0.03, 0.03, 0.4])
        self._secrets = count()

    def operation(self, rng: random.Random) -> Operation:
        """Any of them."""
        draw = rng.random()
        if draw < self._sites:
            return _site_operation(rng)
        if draw < self._sites + 0.02:
            return Operation("articles/No path.json", rng.choice([b"{}", None]))
        if rng.random() < self._removals:
            if rng.random() < 0.6:
                return Operation(f"articles/{rng.choice(self.paths)}.json", None)
            return self.upload(rng, status=rng.choice(["draft", "withdrawn"]))
        return self.upload(rng, title="") if rng.random() < 0.06 else self.upload(rng)

    def clash(self, rng: random.Random, path: str) -> Operation:
        """One that is likely to get in the way of others."""
        if rng.random() < self._sites:
            return _site_operation(rng)
        if rng.random() < 0.45:
            return Operation(f"articles/{path}.json", None)
        return self.upload(rng, path)

    def upload(self, rng: random.Random, path: str = "", **changed: Any) -> Operation:
        """An article, published if nothing else is said; one named B has a picture, and no card."""
        fields: dict[str, Any] = {
            "title": rng.choice(self._titles),
            "summary": "s",
            "body": rng.choice(["b", "b", "c"]),
            "topics": rng.sample(self._topics, rng.randint(0, len(self._topics))),
            "published_at": f"{rng.choice(self._days)}:00:00Z",
        }
        fields |= changed
        if fields["title"] == "B":
            fields["image"] = {"src": "https://example.com/b.jpg", "alt": "b"}
        body = json.dumps(article(**fields), separators=(",", ":")).encode()
        return Operation(f"articles/{path or rng.choice(self.paths)}.json", body)

    def timed(self, rng: random.Random, path: str = "", **changed: Any) -> Operation:
        """An article that waits for its publication, or its end, or both.

        No other has its title, by which it is told apart wherever it can be seen too early.
        """
        begins, ends = sorted(rng.sample(HOURS, 2))
        day = f"{rng.choice(self._days)}:00:00Z"
        expiry = {"expires_at": ends, "expiry": rng.choice(["unlist", "remove"])}
        fields: dict[str, Any] = rng.choice(
            [
                {"published_at": begins},
                {"published_at": begins} | expiry,
                {"published_at": day} | expiry,
            ]
        )
        title = f"Secret{next(self._secrets)}"
        return self.upload(rng, path, **fields | {"title": title, "summary": title} | changed)


def _damage(rng: random.Random) -> Operation:
    """A page, a listing or an own object that is lost; other bytes; an entry that is forgotten."""
    if rng.random() < 0.2:
        return Operation(rng.choice(INDEXES), None, does="forget")
    key = rng.choice(rng.choice([PAGES, CARDS, PUBLIC, PUBLIC, INDEXES, RECORDS]))
    body = None if key.startswith("_") else rng.choice([None, b"<p>defaced</p>"])
    return Operation(key, body, does="damage")


def _site_operation(rng: random.Random) -> Operation:
    changed = _site_json(rng, rng.choice(["X", "Y"]))
    return rng.choice([changed, changed, replace(changed, body=b"{"), replace(changed, body=None)])


def _site_json(rng: random.Random, name: str) -> Operation:
    document: dict[str, Any] = {"name": name, "timezone": rng.choice(["UTC", "Asia/Tokyo"])}
    if rng.random() < 0.2:
        document["search"] = False
    return Operation("site.json", json.dumps(document).encode())
