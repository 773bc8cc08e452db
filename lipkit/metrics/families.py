"""Under which heading people look for a metric: by the file in which it lives."""

from __future__ import annotations

from collections.abc import Iterable

from lipkit.protocols import Metric

HEADINGS = {
    "Lip sync": {"syncnet", "stable_syncnet", "aperture"},
    "Identity": {"likeness"},
    "Landmarks": {"landmarks"},
    "Pictures": {"similarity", "lpips", "hyperiqa", "iqa", "fid"},
    "Video": {"fvd", "stillness"},
    "Motion and expression": {"liveliness", "choreography", "expression", "capp"},
    "Other": set[str](),
    "Material": {"material"},
}


def headings(metrics: Iterable[Metric]) -> dict[str, list[str]]:
    """The names of the metrics' measures under each heading, in the order of headings."""
    found: dict[str, list[str]] = {heading: [] for heading in HEADINGS}
    for metric in metrics:
        files = set(type(metric).__module__.split("."))
        heading = next((name for name, family in HEADINGS.items() if family & files), "Other")
        found[heading] += [m.name for m in (*metric.measures, *metric.set_measures)]
    return found
