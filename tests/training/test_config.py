import pytest

from lipkit.training.config import StageConfig


@pytest.mark.parametrize(
    ("schedule", "middle", "end"),
    [("constant", 1, 1), ("linear", 0.55, 0.1), ("cosine", 0.55, 0.1), ("decay", 0.536, 0.0296)],
)
def test_schedules(schedule, middle, end):
    config = StageConfig(steps=1000, warmup=10, schedule=schedule, floor=0.1)
    assert config.rate(0) == pytest.approx(0.1, rel=0.01)
    assert config.rate(500) == pytest.approx(middle, rel=0.01)
    assert config.rate(1000) == pytest.approx(end, rel=0.01)
    assert config.rate(2000) == pytest.approx(end, rel=0.01)
