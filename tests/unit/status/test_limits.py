"""How often one client may look something up."""

from services.status.answering.limits import RateLimit


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    now = 0.0
    limit = RateLimit(2.0, 3, lambda: now)
    assert [limit.take("a") for _ in range(3)] == [0, 0, 0]
    assert limit.take("a") == 0.5
    now = 0.5
    assert limit.take("a") == 0
    assert limit.take("a") > 0


def test_clients_do_not_share_a_limit() -> None:
    limit = RateLimit(1.0, 1, lambda: 0.0)
    assert limit.take("a") == 0
    assert limit.take("b") == 0
    assert limit.take("a") > 0


def test_no_rate_is_no_limit() -> None:
    limit = RateLimit(0, 1)
    assert all(limit.take("a") == 0 for _ in range(100))
