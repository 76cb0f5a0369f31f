"""The life of one instance of Cloud Run, and what is billed of it.

Sources: [contract](https://docs.cloud.google.com/run/docs/container-contract), [billing]
(https://docs.cloud.google.com/run/docs/configuring/billing-settings), [pricing](https://cloud.google.com/run/pricing).
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass
class Instance:
    """An instance; times in seconds, None for what has not happened."""

    number: int
    asked: float
    """When it was decided to start it. Provisioning follows: the machine, its GPU, the image."""
    started: float | None = None
    """When its container started."""
    ready: float | None = None
    """When its startup probe passed."""
    stopping: float | None = None
    ended: float | None = None
    busy_s: float = 0.0
    """Time with a request in flight, without the present one."""
    served: int = 0
    """Requests that were sent to it."""
    in_flight: set[Hashable] = field(default_factory=set)
    since: float = 0.0
    """Since when it has been idle, or busy."""

    def billable_s(self, now: float) -> float:
        """Billed seconds until now: its whole life, idle or not, in steps of 100 ms, rounded up [pricing].

        It is instance-based billing, which a GPU demands: "the entire lifecycle" [billing]. Assumed: that begins
        as the container starts, as in [contract], where provisioning comes before; and it ends when the container is
        gone, so that the time after SIGTERM counts.
        """
        if self.started is None:
            return 0.0
        # The rounding takes off what floating point adds to a whole number of steps.
        return math.ceil(round((self.end(now) - self.started) * 10, 6)) / 10

    def idle_s(self, now: float) -> float:
        """Seconds until now in which it was ready and without a request."""
        if self.ready is None:
            return 0.0
        busy = self.busy_s + (self.end(now) - self.since if self.in_flight else 0.0)
        return self.end(now) - self.ready - busy

    def end(self, now: float) -> float:
        """When it ended, else now."""
        return now if self.ended is None else self.ended
