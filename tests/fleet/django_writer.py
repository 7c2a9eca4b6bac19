"""Writes to the database of django_project.py through Django's ORM, as the rest of an application would.

    django_writer.py POSTGRES SECONDS SEED

goes on for so long, and prints how many changes it made.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any, Callable

import django_project


class Undone(Exception):
    """What makes a transaction roll back."""


def changes(rolls: random.Random) -> list[Callable[[], Any]]:
    from django.contrib.auth.models import User
    from django.contrib.flatpages.models import FlatPage
    from django.contrib.sites.models import Site
    from django.db import transaction

    def some() -> Any:
        return FlatPage.objects.filter(url=rolls.choice(list(django_project.PAGES)))

    def save() -> None:
        for page in some():
            page.content = f"written {rolls.random()}"
            page.save()

    def update() -> None:
        some().update(title=f"title {rolls.random()}")

    def update_all() -> None:
        FlatPage.objects.update(content=f"everywhere {rolls.random()}")

    def swap() -> None:
        with transaction.atomic():
            first, second = FlatPage.objects.order_by("?")[:2]
            first.url, second.url = second.url, first.url
            FlatPage.objects.bulk_update([first, second], ["url"])

    def begin_anew() -> None:
        with transaction.atomic():
            for page in some():
                page.delete()
                page.pk = None
                page.save()
                page.sites.set([Site.objects.get_current()])

    def roll_back() -> None:
        with transaction.atomic():
            try:
                with transaction.atomic():
                    some().update(title="never seen")
                    raise Undone
            except Undone:
                some().update(title=f"after a savepoint {rolls.random()}")

    def user() -> None:
        User.objects.create_user(f"user{rolls.random()}")
        User.objects.exclude(is_superuser=True).order_by("pk").first().delete()

    return [save, update, update_all, swap, begin_anew, roll_back, user]


def main(postgres: str, seconds: str, seed: str) -> None:
    import django

    django_project.configure(Path("/nonexistent"), postgres)
    django.setup()
    rolls = random.Random(int(seed))
    all_kinds, made, until = changes(rolls), 0, time.monotonic() + float(seconds)
    while time.monotonic() < until:
        rolls.choice(all_kinds)()
        made += 1
        time.sleep(0.01)
    print(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
