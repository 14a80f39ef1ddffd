"""How good predictions are, with intervals over patients; pure NumPy (``surfaces``: and SciPy).

One module for each family of metrics; ``reports`` measures a whole task, ``compare`` two models.
A metric that these data cannot give raises NotComputable with a sentence; ``bootstrap`` and the
reports put that sentence where the number would stand.
"""

from .calibration import brier, brier_parts, ece, reliability
from .intervals import Interval, Measured, Metric, bootstrap, difference
from .operating import (
    OperatingPoint,
    balanced_accuracy,
    f1,
    npv,
    ppv,
    sensitivity,
    specificity,
    youden_threshold,
)
from .overlap import dice, dice_by_case
from .ranking import auprc, auroc, pr_points, roc_points
from .reports import by_name, classification, higher_is_better, segmentation

__all__ = [
    "Interval",
    "Measured",
    "Metric",
    "OperatingPoint",
    "auprc",
    "auroc",
    "balanced_accuracy",
    "bootstrap",
    "brier",
    "brier_parts",
    "by_name",
    "classification",
    "dice",
    "dice_by_case",
    "difference",
    "ece",
    "f1",
    "higher_is_better",
    "npv",
    "ppv",
    "pr_points",
    "reliability",
    "roc_points",
    "segmentation",
    "sensitivity",
    "specificity",
    "youden_threshold",
]
