"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
_django = get_wsgi_application()

from annotation.pixels import FastPath  # noqa: E402 - models can be imported from here on
from deploy import urls  # noqa: E402, F401 - before a reader asks, not while one waits

application = FastPath(_django)
