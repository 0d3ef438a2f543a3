"""The webhook is registered in every kind of JIRA, once, and leads events to us."""

import pytest

from t5g.errors import SettingsError, UpstreamError
from tests.workers.upstreams import Upstreams
from workers.calls import Policy
from workers.jira.hooks import EVENTS, Hook, Hooks, Wanted, faults_of, filter_of, is_ours, wanted_of

PUBLIC = "https://t5g.example.com"
SECRET = "hook-secret-not-secret"
IN_ADDRESS = "address-secret-not-secret"


@pytest.fixture(params=["cloud", "data center", "old data center"])
async def upstreams(request):
    world = Upstreams(cloud=request.param == "cloud")
    world.jira.old = request.param.startswith("old")
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(
        redis_url,
        public_url=PUBLIC,
        jira_webhook_secret=f"{SECRET} older-not-secret",
        jira_webhook_url_secret=IN_ADDRESS,
    )


@pytest.fixture
def hooks(settings):
    opened = Hooks(settings, Policy(attempts=2, first_wait=0.01))
    yield opened
    opened.close()


def registered(upstreams):
    return list(upstreams.webhooks.registered.values())


async def register(hooks, settings, filter='project in ("T5G")'):
    ours = [hook for hook in await hooks.all() if is_ours(hook, settings)]
    return await hooks.register(wanted_of(settings, filter, signs=hooks.signs), ours)


async def test_it_is_registered_with_events_filter_and_secret(hooks, settings, upstreams):
    made = await register(hooks, settings)
    (found,) = registered(upstreams)
    assert str(found.id) == made.id
    assert found.events == EVENTS
    assert found.filter == 'project in ("T5G")'
    assert found.active and not found.exclude_body
    if upstreams.jira.old:
        assert (found.secret, found.url) == ("", f"{PUBLIC}/webhooks/jira/{IN_ADDRESS}")
    else:
        assert (found.secret, found.url) == (SECRET, f"{PUBLIC}/webhooks/jira")


async def test_it_is_shown_as_it_should_be_and_without_a_secret(hooks, settings):
    await register(hooks, settings)
    (hook,) = await hooks.all()
    assert is_ours(hook, settings)
    assert faults_of(hook, signs=hooks.signs, projects=["T5G"]) == []
    assert IN_ADDRESS not in hook.shown_url
    assert hook.shown_url.startswith(f"{PUBLIC}/webhooks/jira")


@pytest.mark.parametrize(
    ("path", "ours"),
    [("", True), ("/", True), ("/abc-not-secret", True), ("?secret=abc", True), ("2", False),
     ("-test/abc", False)],
)  # fmt: skip
async def test_only_what_leads_to_our_address_is_ours(settings, path, ours):
    hook = Hook(id="1", name="x", url=f"{PUBLIC}/webhooks/jira{path}")
    assert is_ours(hook, settings) is ours


async def test_registering_again_leaves_one_and_touches_no_other(hooks, settings, upstreams):
    upstreams.webhooks.register("https://other.example.com/webhooks/jira", name="other")
    first = await register(hooks, settings)
    second = await register(hooks, settings, 'project in ("T5G", "ESC")')
    assert first.id != second.id
    assert sorted(found.name for found in registered(upstreams)) == [second.name, "other"]
    assert registered(upstreams)[-1].filter == 'project in ("T5G", "ESC")'


async def test_it_is_taken_away_and_to_do_so_twice_is_no_fault(hooks, settings, upstreams):
    made = await register(hooks, settings)
    await hooks.remove(made)
    await hooks.remove(made)
    assert registered(upstreams) == []


async def test_a_filter_that_jira_refuses_is_told_in_its_words(hooks, settings, upstreams):
    with pytest.raises(UpstreamError, match=r"webhook refused: .*NOSUCH"):
        await register(hooks, settings, "project = NOSUCH")
    assert registered(upstreams) == []


async def test_a_token_that_may_not_is_told_as_such(settings, upstreams):
    wrong = settings.model_copy(
        update={"jira_token": type(settings.jira_token)("wrong-not-secret")}
    )
    hooks = Hooks(wrong, Policy(attempts=1))
    try:
        with pytest.raises(UpstreamError, match="administrator"):
            await hooks.all()
    finally:
        hooks.close()


@pytest.mark.parametrize(
    ("lacking", "signs", "named"),
    [
        ("public_url", True, "T5G_PUBLIC_URL"),
        ("jira_webhook_secret", True, "T5G_JIRA_WEBHOOK_SECRET"),
        ("jira_webhook_url_secret", False, "T5G_JIRA_WEBHOOK_URL_SECRET"),
    ],
)
async def test_what_is_not_set_is_named(settings, lacking, signs, named):
    empty = "" if lacking == "public_url" else type(settings.jira_token)("")
    with pytest.raises(SettingsError, match=named):
        wanted_of(settings.model_copy(update={lacking: empty}), "", signs=signs)


def hook(**facts):
    found = {"id": "1", "name": "n", "url": f"{PUBLIC}/webhooks/jira", "signed": True}
    return Hook(**{**found, "filter": 'project in ("T5G")', **facts})


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"active": False}, "is switched off"),
        ({"events": tuple(n for n in EVENTS if n != "comment_deleted")}, "lacks comment_deleted"),
        ({"signed": False}, "has no secret"),
        ({"filter": "project = ESC"}, "its filter leaves out T5G"),
        ({"filter": ""}, ""),
        ({"filter": "labels = field-support"}, ""),
        ({"signed": None}, ""),
    ],
)
async def test_what_is_wrong_with_one_is_said(facts, fault):
    assert "; ".join(faults_of(hook(**facts), signs=True, projects=["T5G"])) == fault


async def test_projects_are_quoted_in_the_filter():
    assert filter_of(["T5G", "ESC", "T5G"]) == 'project in ("ESC", "T5G")'
    assert filter_of(['A"B']) == 'project in ("A\\"B")'


async def test_a_secret_in_a_query_is_not_shown_either(settings):
    shown = hook(url=f"{PUBLIC}/webhooks/jira?secret={IN_ADDRESS}&x=1").shown_url
    assert shown == f"{PUBLIC}/webhooks/jira?secret=***&x=1"
    assert Wanted(url="u", secret="s", filter="").events == EVENTS
