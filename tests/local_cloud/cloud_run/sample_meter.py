"""Lives and requests for a meter that tests fill by hand."""

from __future__ import annotations

from scripts.cost.instance import Instance
from scripts.cost.scaling import Limits

from .description import Probe, Revision
from .meter import Life, Served

_PLACE = "projects/kikitori-local/locations/asia-southeast1/services"


def revision(service: str) -> Revision:
    """A revision with a GPU."""
    probe = Probe(None, 0, 1, 1, 1)
    return Revision(f"{service}-00001-abc", "1", service, Limits(), (), probe, None, 4, 16, "nvidia-l4", False)


def life(service: str, instance: Instance) -> Life:
    """An instance of that revision."""
    return Life(f"{_PLACE}/{service}", revision(service), instance)


def request(service: str, arrived: float, ended: float, status: int = 200) -> Served:
    """A request to its first instance."""
    where = (f"{_PLACE}/{service}", revision(service), 0)
    return Served(*where, arrived, arrived, ended, "POST", "/v1/warmup", status)
