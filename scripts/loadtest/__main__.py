"""Lets people visit a deployment as a traffic description says, and measures how long they wait for their texts.

The descriptions are those of the cost page, scripts/cost/presets/, or a TOML file like them. Its visits of one hour,
the busiest unless told otherwise, are made in real time, each as the page would: the service is woken when a recording
begins, the sound is sent when it ends, and whoever is refused comes back when Retry-After says. What is played is
speech of digits. It starts the GPU, and costs what such an hour costs.

The access key is read from KIKITORI_API_KEY. The exit status is 0 when every recording was answered, 1 when some were
not, 2 when the command is wrong or the service takes nothing from here, 130 after Ctrl-C, with what was measured.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import replace

from scripts.cost.traffic import DAY_S, Traffic, TrafficError, Visit, read_traffic, recordings_of

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOUR_S = 3600.0


def busiest(traffic: Traffic) -> float:
    """When the hour of the week begins that has the most visits, seconds since Monday's midnight."""
    day = max(range(7), key=lambda day: traffic.weekdays[day])
    hour = max(range(24), key=lambda hour: traffic.hours[hour])
    return day * DAY_S + hour * _HOUR_S


def window(visits: Sequence[Visit], begin_s: float, length_s: float) -> list[Visit]:
    """The visits that begin in a part of the week and record something, with times since its beginning."""
    return [
        replace(
            visit,
            start_s=visit.start_s - begin_s,
            end_s=visit.end_s - begin_s,
            recordings=tuple(replace(one, start_s=one.start_s - begin_s) for one in visit.recordings),
        )
        for visit in visits
        if visit.recordings and begin_s <= visit.start_s < begin_s + length_s
    ]


def plan(visits: Sequence[Visit], begin_s: float) -> str:
    """What would happen, in a line."""
    recordings = recordings_of(visits)
    sent = [one.length_s for one in recordings if one.sent]
    when = f"{_DAYS[int(begin_s // DAY_S)]}, {int(begin_s % DAY_S // _HOUR_S):02}:00"
    return (
        f"{when}: {len(visits)} visits with {len(recordings)} recordings; {len(sent)} are sent, {sum(sent):.0f} s of "
        f"sound; the last ends after {max(one.end_s for one in recordings):.0f} s"
    )


def _run(service: str, model: str, visits: Sequence[Visit]) -> int:
    from scripts.loadtest.run import replay  # from here on, gevent has the waiting of this process

    return replay(service, model, visits)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.loadtest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("service", metavar="URL", help="address of the service")
    parser.add_argument(
        "--traffic", default="small-team", help="name of a preset, or a TOML file (default: %(default)s)"
    )
    parser.add_argument("--times", type=float, default=1.0, metavar="N", help="so many times the people and recordings")
    parser.add_argument("--minutes", type=float, default=60.0, metavar="N", help="(default: %(default)g)")
    parser.add_argument("--hour", type=int, metavar="N", help="of the week: 0 is Monday's first (default: the busiest)")
    parser.add_argument("--seed", type=int, default=1, help="another one is another week (default: %(default)s)")
    parser.add_argument("--model", default="whisper-1", help="default: %(default)s, which every service here takes")
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    options = parser.parse_args(arguments)
    if not options.service.startswith(("http://", "https://")):
        parser.error("the service is an address that begins with https://")
    if not (0 < options.times < math.inf and 0 < options.minutes < math.inf) or options.hour not in (None, *range(168)):
        parser.error("--times and --minutes must be numbers above 0, --hour one from 0 to 167")
    try:
        traffic = read_traffic(options.traffic)
    except TrafficError as error:
        parser.error(str(error))
    users = max(1, round(traffic.users * options.times))
    traffic = traffic.model_copy(
        update={"users": users, "recordings_per_day": traffic.recordings_per_day * options.times}
    )
    begin_s = busiest(traffic) if options.hour is None else options.hour * _HOUR_S
    visits = window(traffic.visits(7, options.seed), begin_s, options.minutes * 60)
    if not visits:
        parser.error("nobody comes in that time: more --minutes, another --hour or --seed")
    print(plan(visits, begin_s), file=sys.stderr, flush=True)
    return 0 if options.dry_run else _run(options.service.rstrip("/"), options.model, visits)


if __name__ == "__main__":
    sys.exit(main())
