from __future__ import annotations

from lipkit.metrics.base import Base
from lipkit.metrics.choice import every
from lipkit.metrics.families import HEADINGS, headings
from lipkit.protocols import Measure


class Stranger(Base):
    measures = (Measure("strange", "Strange", "", "none", ""),)


def test_every_measure_has_one_heading_and_those_of_others_one_of_their_own() -> None:
    metrics = [*every().values(), Stranger()]  # type: ignore[list-item]
    found = headings(metrics)
    assert list(found) == list(HEADINGS)
    assert found["Other"] == ["strange"]
    assert "lse_c" in found["Lip sync"]
    names = [m.name for metric in metrics for m in (*metric.measures, *metric.set_measures)]
    assert sorted(name for own in found.values() for name in own) == sorted(names)
