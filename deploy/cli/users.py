"""`consilium user`: accounts."""

from __future__ import annotations

import click

from . import running


@click.group()
def user() -> None:
    """Accounts of people."""


@user.command()
@click.argument("username")
@click.option("--name", default="", help="Full name.")
@click.option("--staff", is_flag=True, help="May also use the administration pages.")
def create(username: str, name: str, staff: bool) -> None:
    """Make an account and print its one-time password.

    \b
    Example: consilium user create mueller --name "Eva Müller"
    """
    running.configure()
    from annotation import members

    account = members.new_account(username, full_name=name, is_staff=staff)
    click.echo(f"{account.user.username}'s one-time password: {account.password}")
    click.echo("It is shown only now, and must be replaced at the first sign-in.")


@user.command()
@click.argument("username")
def password(username: str) -> None:
    """Give somebody who lost theirs another one-time password."""
    running.configure()
    from annotation import members

    secret = members.new_password(running.user_named(username))
    click.echo(f"{username}'s one-time password: {secret}")
