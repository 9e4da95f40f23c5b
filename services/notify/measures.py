"""What operators watch of notify, as Prometheus metrics."""

from contracts.facts import Fact, NotificationFailed, NotificationSent
from runtime.metrics import Metrics


class Measures:
    """Counters of outcomes and a gauge of what waits. Labels are reason codes, never numbers of applications."""

    def __init__(self, metrics: Metrics) -> None:
        self.sent = metrics.counter("notifications_sent", "Messages that a server took", ("template", "language"))
        self.failed = metrics.counter("notifications_failed", "Attempts that failed", ("reason", "final"))
        self.repeated = metrics.counter("notifications_repeated", "Messages sent again that may have arrived before")
        self.skipped = metrics.counter("notifications_skipped", "Messages not sent on purpose", ("reason",))
        self.waiting = metrics.gauge("notifications_waiting", "Messages that wait to be sent")
        self.links = metrics.counter(
            "links_mailed", "Attempts to send a link, by what became of it", ("state", "reason")
        )
        self.defects = metrics.counter("notifications_defects", "Deliveries that could not be worked on: see the log")

    def outcome(self, fact: Fact) -> None:
        """Count one outcome as it is noted for the first time."""
        match fact:
            case NotificationSent(template=template, language=language, repeated=repeated):
                self.sent.labels(template, language).inc()
                self.repeated.inc(int(repeated))
            case NotificationFailed(reason=reason, final=final):
                self.failed.labels(reason.code, str(final).lower()).inc()
