"""`t5g`: the table of contents of all commands."""

from t5g.cli import (
    access,
    asking,
    audit,
    backup,
    breaking,
    cards,
    checking,
    deadletters,
    jobs,
    measuring,
    processes,
    secrets,
    syncing,
    webhook,
    world,
)
from t5g.cli.making import make_app

app = make_app(
    (
        world,
        processes,
        syncing,
        asking,
        checking,
        access,
        secrets,
        audit,
        backup,
        jobs,
        deadletters,
        webhook,
        cards,
        measuring,
        breaking,
    )
)
