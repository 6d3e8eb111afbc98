"""Whom the benchmark compares; `ALL` is the order of the tables."""

from bench.contestants.base import Contestant
from bench.contestants.compiled import Ferrogw, Smg
from bench.contestants.gatewright import Gatewright
from bench.contestants.plain import Direct, Envoy, HAProxy, Nginx
from bench.contestants.scripted import LiteLLM, MLflow, Portkey

ALL: tuple[Contestant, ...] = (
    Direct(),
    Nginx(),
    HAProxy(),
    Envoy(),
    Gatewright("gatewright", "Gatewright"),
    Smg(),
    Ferrogw(),
    Portkey(),
    LiteLLM(),
    MLflow(),
)
"""A variant of a contestant is one more row, such as `Gatewright("gatewright-asgi", …, GATEWRIGHT_…="…")`."""

REFERENCE = "nginx"
"""Whose figures are 1 in the ratios."""

DIRECT = "direct"
"""What the mock itself takes; added latency is measured against it."""
