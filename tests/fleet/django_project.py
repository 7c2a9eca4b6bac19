"""A Django project of what Django brings: pages (flatpages) that are edited in its admin, and a list of them.

    django_project.py FOLDER PORT EDITOR PASSWORD [POSTGRES]

makes the database in FOLDER, or on the PostgreSQL whose socket is in POSTGRES, with a superuser, and serves on
127.0.0.1:PORT.
What is for everybody says so with Cache-Control and names its Surrogate-Keys; `/hello` is a careless view that depends
on who is logged in, and says nothing of that in Cache-Control.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable

from django.conf import settings

PAGES = {"/about/": "About us", "/terms/": "Terms", "/contact/": "Contact"}

RULES = [
    {"table": "django_flatpage", "tags": ["page:{url}", "pages:"], "table_tag": "pages:"},
    {"table": "auth_user", "tags": ["users:"]},
]

_PAGE = "<title>{{ flatpage.title }}</title>{{ flatpage.content }}"


def configure(folder: Path, postgres: str = "") -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "site.sqlite"}
    if postgres:
        database = {"ENGINE": "django.db.backends.postgresql", "HOST": postgres, "NAME": "postgres", "USER": "postgres"}
    settings.configure(
        SECRET_KEY="only for tests", ALLOWED_HOSTS=["*"], DEBUG=False, ROOT_URLCONF="django_project", SITE_ID=1,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": database},
        INSTALLED_APPS=[f"django.contrib.{name}" for name in (
            "admin", "auth", "contenttypes", "sessions", "messages", "sites", "flatpages")],
        MIDDLEWARE=[
            "django_project.name_keys",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [("django.template.loaders.locmem.Loader", {"flatpages/default.html": _PAGE}),
                            "django.template.loaders.app_directories.Loader"],
                "context_processors": ["django.template.context_processors.request",
                                       "django.contrib.auth.context_processors.auth",
                                       "django.contrib.messages.context_processors.messages"],
            },
        }],
        STATIC_URL="/static/")


def name_keys(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What a site adds to Django to be purged by tag: a page's own key on the page, all pages' key on the list. Those
    with a colon are what the rules of a relay purge (RULES)."""

    def answer(request: Any) -> Any:
        response = get_response(request)
        if request.path in PAGES:
            response["Surrogate-Key"] = f"page-{request.path.strip('/')} page:{request.path}"
        elif request.path == "/":
            response["Surrogate-Key"] = " ".join(["list", "pages:", *(f"page-{path.strip('/')}" for path in PAGES)])
        elif request.path == "/editors":
            response["Surrogate-Key"] = "users:"
        if "Surrogate-Key" in response:
            response["Cache-Control"] = "max-age=600"
        return response

    return answer


def _patterns() -> list[Any]:
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.contrib.flatpages.models import FlatPage
    from django.contrib.flatpages.views import flatpage
    from django.http import HttpResponse
    from django.urls import path

    def home(request: Any) -> Any:
        return HttpResponse("\n".join(page.title for page in FlatPage.objects.order_by("url")))

    def hello(request: Any) -> Any:
        return HttpResponse(f"hello {request.user.username or 'stranger'}", headers={"Cache-Control": "max-age=600"})

    def editors(request: Any) -> Any:
        return HttpResponse("\n".join(User.objects.order_by("username").values_list("username", flat=True)))

    return [path("admin/", admin.site.urls), path("", home), path("hello", hello), path("editors", editors),
            path("<path:url>", flatpage)]


def fill(editor: str, password: str) -> None:
    from django.contrib.auth.models import User
    from django.contrib.flatpages.models import FlatPage
    from django.contrib.sites.models import Site
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_superuser(editor, password=password)
    for url, title in PAGES.items():
        FlatPage.objects.create(url=url, title=title, content=f"{title}, as first written").sites.add(
            Site.objects.get_current())


def __getattr__(name: str) -> Any:
    """Models can be imported once Django is set up only."""
    if name == "urlpatterns":
        globals()[name] = _patterns()
        return globals()[name]
    raise AttributeError(name)


if __name__ == "__main__":
    import django
    from django.core.management import call_command as manage

    configure(Path(sys.argv[1]), *sys.argv[5:])
    django.setup()
    fill(*sys.argv[3:5])
    manage("runserver", f"127.0.0.1:{sys.argv[2]}", use_reloader=False)
