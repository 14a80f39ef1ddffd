"""The simulated reader's account on this machine, and the round that the demo shows."""

from __future__ import annotations

import numpy as np

from annotation import api_tokens, members
from annotation.models import Project, Role, User

from . import session
from .api import Api
from .known_labels import of_demo
from .reader import SimulatedReader

USERNAME = "simulated-reader"
ACTIONS = ("project.view", "progress.view", "cases.read", "rounds.view", "rounds.run")


def token_for(project: Project) -> str:
    """A day's token of the simulated reader, who is made a member if need be."""
    user = User.objects.filter(username=USERNAME).first()
    if user is None:
        user = members.new_account(USERNAME, full_name="Simulated Reader").user
    for role in (Role.READER, Role.ML_ENGINEER):
        members.add(project, username=USERNAME, role=role, user=None)
    return api_tokens.create(project, user=user, name="simulate", actions=ACTIONS, days=1).secret


def start_first_round(server: str, project: Project) -> None:
    """Read what a first round needs and start it; nothing if the project has had a round."""
    if project.rounds.exists():
        return
    api = Api(server, token_for(project), project.slug)
    rng = np.random.default_rng(0)
    reader = SimulatedReader(api, of_demo(project.slug), 0.95, 0.97, rng=rng)
    session.read(reader, session.evaluation_cases_open(api) + session.READS_PER_ROUND)
    api.start_round()
    api.close()
