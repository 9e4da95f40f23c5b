"""Prometheus metrics of one application, in a registry of its own: two applications in one process do not mix."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of a service. Labels have few, known values: never a tracking number, a name or a raw path."""

    def __init__(self, service: str = "jejak") -> None:
        self.registry = CollectorRegistry()
        self.service = service
        self.requests = self.histogram(
            "http_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer",
            ("method", "route", "status"),
        )
        self.requests_in_flight = self.gauge("http_requests_in_flight", "Requests being answered, event streams too")
        self.gauge("service_info", "Which service this is", ("service",)).labels(service).set(1)

    def counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
        """A number that only grows; `name` without `jejak_` and `_total`."""
        return Counter(name, meaning, labels, namespace="jejak", registry=self.registry)

    def gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
        """A number that goes up and down."""
        return Gauge(name, meaning, labels, namespace="jejak", registry=self.registry)

    def histogram(
        self, name: str, meaning: str, labels: Sequence[str] = (), buckets: Sequence[float] = _LATENCY_BUCKETS_S
    ) -> Histogram:
        """A distribution, by default of seconds."""
        return Histogram(name, meaning, labels, namespace="jejak", registry=self.registry, buckets=tuple(buckets))

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)
