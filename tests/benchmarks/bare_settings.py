"""The product's settings, and the page that it is compared with under ``/static/bare/``."""

import os
from pathlib import Path

from deploy.settings import *  # noqa: F403
from deploy.settings import STATICFILES_DIRS as OURS

STATICFILES_DIRS = [*OURS, Path(os.environ["BARE_PAGE"])]
