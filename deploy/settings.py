"""All settings, for every way of running. Values come from the environment; see deploy/env.py."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import env, logging

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("CONSILIUM_VAR", str(BASE_DIR / "var")))

SECRET_KEY = env.text("SECRET_KEY", "only-for-tests-and-tooling-set-by-quickstart")
DEBUG = False
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost 127.0.0.1 [::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
HTTPS = env.flag("HTTPS", False)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_dramatiq",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "annotation",
    "learning",
]

MIDDLEWARE = [
    "annotation.pixels.PixelMiddleware",
    "deploy.logging.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "deploy.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "deploy.health.HealthMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "deploy.session_limits.SessionLimitsMiddleware",
    "deploy.language.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "deploy.first_sign_in.MustChangePasswordMiddleware",
]

ROOT_URLCONF = "deploy.urls"
WSGI_APPLICATION = "deploy.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "deploy" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": str(parts.port or query.get("port", "")),
        "ATOMIC_REQUESTS": False,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": env.integer("DATABASE_POOL", 16), "timeout": 10},
        },
    }


DATABASES = {
    "default": _database(env.text("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/consilium"))
}

AUTH_USER_MODEL = "annotation.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

ACCOUNT_ADAPTER = "deploy.first_sign_in.ClosedAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
# Guesses are counted by address: behind a proxy, by the one that the proxy names, not by its own.
ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXIES", 0)
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/5m/key"}
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"

SESSION_COOKIE_AGE = env.integer("SESSION_IDLE_MINUTES", 30) * 60
SESSION_LONGEST_SECONDS = env.integer("SESSION_HOURS", 12) * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Strict"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"

# Named as in Django 6; deploy/csp.py sends it until then.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'", "'wasm-unsafe-eval'"],
    "worker-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "blob:", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = None
FRONTEND_DIST = BASE_DIR / "frontend" / "dist"
STATICFILES_DIRS = [
    path for path in (FRONTEND_DIST, BASE_DIR / "deploy" / "static") if path.is_dir()
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/assets/.+-[\w-]{8}\.\w+$"
WHITENOISE_MIMETYPES = {".wasm": "application/wasm"}

LOGGING = logging.configuration(env.text("LOG_LEVEL", "INFO"))

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "deploy" / "locale"]
LANGUAGE_COOKIE_NAME = "__Host-language" if HTTPS else "language"
LANGUAGE_COOKIE_AGE = 365 * 86_400
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["annotation.api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "annotation.api.pagination.ByIdCursor",
    "EXCEPTION_HANDLER": "annotation.api.problem.handle",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Consilium",
    "DESCRIPTION": "Annotation and active learning for medical imaging. Research use only.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "TriageLaneEnum": "learning.api.triage_serializers.LANES",
        "DriftTestEnum": "learning.api.triage_serializers.DRIFTS",
        "TriageLaneStateEnum": "learning.models.TriageLane.State",
        "TriageCaseStateEnum": "learning.models.TriageDecision.State",
        "ActionEnum": "annotation.api.projects.NAMES_OF_ACTIONS",
        "RoleEnum": "annotation.models.Role",
        "RoundStateEnum": "learning.models.Round.State",
        "RoundStepEnum": "learning.models.Round.Step",
        "RoundStepStateEnum": "learning.api.rounds.STEP_STATES",
        "ModelStateEnum": "learning.models.TrainedModel.State",
        "ImportStateEnum": "annotation.models.Import.State",
        "ImportItemStateEnum": "annotation.models.ImportItem.State",
        "StageEnum": "annotation.list_filters.STAGES",
        "CaseStateEnum": "annotation.models.Case.State",
        "StreamEnum": "annotation.models.Stream",
        "TaskEnum": "annotation.models.Task",
        "PromptKindEnum": "annotation.api.prompts.KINDS",
        "SuggestionModeEnum": "annotation.models.SuggestionMode",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "annotation.api.openapi.add_problems",
    ],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
DRAMATIQ_BROKER = {
    "BROKER": "dramatiq.brokers.redis.RedisBroker",
    "OPTIONS": {
        "url": REDIS_URL,
        "heartbeat_timeout": 10_000,
        "maintenance_chance": 1_000_000,
    },
    "MIDDLEWARE": [
        "dramatiq.middleware.AgeLimit",
        "dramatiq.middleware.TimeLimit",
        "dramatiq.middleware.Callbacks",
        "dramatiq.middleware.Retries",
        "dramatiq.middleware.ShutdownNotifications",
        "django_dramatiq.middleware.DbConnectionsMiddleware",
    ],
}
DRAMATIQ_AUTODISCOVER_MODULES = ["actors"]
ACTOR_QUEUES = {
    "advance_round": "training",
    "make_suggestions": "training",
    "follow_changes": "intake",
    "answer_prompt": "prompts",
    "rerank_pool": "ranking",
}
RUNG_AFTER_READ = ["rerank_pool"]
WHY_PICKED = "learning.pool.picked.picked"
PROMPT_METHODS = ["annotation.prompt_methods.RandomWalk", "learning.assisting.prompting.Network"]

ORTHANC_URL = env.text("ORTHANC_URL", "http://127.0.0.1:18042")
ORTHANC_USER = env.text("ORTHANC_USER", "consilium")
ORTHANC_PASSWORD = env.text("ORTHANC_PASSWORD", "")
X_ACCEL = env.flag("X_ACCEL", False)

UPLOADS_DIR = VAR_DIR / "uploads"
FRAMES_DIR = VAR_DIR / "frames"
ARTIFACTS_DIR = VAR_DIR / "artifacts"
ARRAYS_BYTES = env.integer("ARRAYS_CACHE_GIB", 50) * 1024**3
FRAMES_CACHE_BYTES = env.integer("FRAMES_CACHE_GIB", 20) * 1024**3
MAX_INSTANCE_BYTES = 512 * 1024 * 1024
MAX_UPLOAD_CHUNK_BYTES = 16 * 1024 * 1024
FREE_SPACE_FLOOR = 0.05
TRAINING_SLICE_SECONDS = env.integer("TRAINING_SLICE_SECONDS", 60)
TRAINING_LEASE_SECONDS = env.integer("TRAINING_LEASE_SECONDS", 30)
TRAINING_THREADS = env.integer("TRAINING_THREADS", 0)
TRAINING_COMPILE = env.flag("TRAINING_COMPILE", False)
TRAINING_DETERMINISTIC = env.flag("TRAINING_DETERMINISTIC", False)
TRAINING_MEMORY_GIB = env.integer("TRAINING_MEMORY_GIB", 0)
PRETRAINED_DIR = Path(env.text("PRETRAINED_DIR", str(VAR_DIR / "pretrained")))
