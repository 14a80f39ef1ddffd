"""What can be learned: one entry of a table for each task, and one module that knows how.

``TASKS`` says what a recipe may ask for and imports no torch. ``tasks.learners`` has the other half
of each entry: how targets are read, the loss, and how a network's numbers become predictions.
"""

from __future__ import annotations

from learning.engine.tasks.table import TASKS, Task

__all__ = ["TASKS", "Task"]
