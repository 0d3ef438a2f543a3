"""What grows is told, and what only moves is not."""

from bench.chaos.gauges import Gauges


def told(name: str, values: list[float]) -> list[str]:
    gauges = Gauges()
    for value in values:
        gauges.add(name, value)
    return gauges.grown()


def test_a_leak_is_told_with_its_size() -> None:
    assert told("web: megabytes", [100 + n for n in range(60)]) == ["web: megabytes: 122 → 152"]
    assert told("redis: connections", [10 + n for n in range(40)])


def test_warming_up_and_swinging_are_no_growth() -> None:
    assert not told("web: megabytes", [50.0] * 5 + [120.0] * 55)
    assert not told("web: fds", [20 + n % 7 for n in range(60)])
    assert not told("worker: fds", [5.0] * 30 + [8.0] * 30)


def test_a_few_readings_say_nothing() -> None:
    assert not told("web: megabytes", [1, 2, 4, 8, 16, 32, 64])
