"""Whom the benchmark compares; `ALL` is the order of the tables."""

from bench.contestants.base import SELDOM, Contestant
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
    Gatewright("gatewright-asgi", "Gatewright, plain ASGI form", every=SELDOM, GATEWRIGHT_FAST_LANE="0"),
    Smg(),
    Ferrogw(),
    Portkey(),
    LiteLLM(),
    MLflow(),
)
"""A variant of a contestant is one more row, as that of Gatewright without its fast lane."""

REFERENCE = "nginx"
"""Whose figures are 1 in the ratios."""

DIRECT = "direct"
"""What the mock itself takes; added latency is measured against it."""
