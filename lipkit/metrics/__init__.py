"""The metrics of the field: a name each, and where it lives; one file a family.

Modules of metrics import torch, cv2 and optional packages inside their functions, so that listing
what there is takes no time. A class with no arguments implements ``protocols.Metric``; the plain
attributes that most share come from ``metrics.base.Base``.
"""

from __future__ import annotations

METRICS: dict[str, str] = {}
