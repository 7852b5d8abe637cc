import os
from dataclasses import replace
from datetime import timedelta

import pytest

from workbench.errors import Unauthenticated
from workbench.wire.signatures import Request
from workbench.workspaces import Authenticator, access_keys, tokens
from workbench.workspaces.nonces import Nonces
from workbench.workspaces.refusals import (
    AccessKeyDisabled,
    InvalidToken,
    NoCredentials,
    NonceUsed,
    NotAUser,
    SignatureDoesNotMatch,
    TimeStampExpired,
    UnknownAccessKey,
    UserDisabled,
)
from workbench.workspaces.throttle import TooManyFailures

PLAIN = Request("GET", "/api/v1/workspaces", "", {"host": "localhost"})


def test_a_signed_request_is_from_the_keys_user(machine):
    ada = machine.add_user("ada", 2001)
    caller = machine.authenticate(machine.signed(machine.add_key(ada)), "10.0.0.9")

    assert (caller.user_id, caller.name, caller.owner) == (ada.user_id, "ada", False)


def test_the_daemons_own_user_and_root_need_no_login_on_the_local_socket(machine):
    for uid in (0, os.getuid()):
        assert machine.authenticate(PLAIN, f"unix:{uid}").owner


def test_another_unix_user_is_known_by_uid_on_the_local_socket_alone(machine):
    ada = machine.add_user("ada", 2001)

    assert machine.authenticate(PLAIN, "unix:2001").user_id == ada.user_id
    with pytest.raises(NotAUser):
        machine.authenticate(PLAIN, "unix:2002")
    with pytest.raises(NoCredentials):
        machine.authenticate(PLAIN, "127.0.0.1")


def test_credentials_decide_even_on_the_owners_socket(machine):
    ada = machine.add_user("ada", 2001)

    assert machine.authenticate(machine.signed(machine.add_key(ada)), "unix:0").user_id == ada.user_id


def test_an_unknown_key_is_told_with_pais_code(machine):
    request = machine.signed(access_keys.KeyPair(access_key_id="WB0", secret="x"))
    with pytest.raises(UnknownAccessKey) as refused:
        machine.authenticate(request, "10.0.0.9")
    assert (refused.value.code, refused.value.status) == ("InvalidAccessKeyId.NotFound", 404)


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"other"},
        {"raw_path": "/api/v1/workspaces/2"},
        {"verb": "DELETE"},
        {"query": "WorkspaceId=2"},
    ],
)
def test_a_request_changed_on_its_way_is_refused(machine, change):
    request = replace(machine.signed(machine.first.key, body=b"{}"), **change)
    with pytest.raises(SignatureDoesNotMatch) as refused:
        machine.authenticate(request, "10.0.0.9")
    assert refused.value.status == 400


def test_a_request_counts_once(machine):
    request = machine.signed(machine.first.key)
    machine.authenticate(request, "10.0.0.9")
    with pytest.raises(NonceUsed):
        machine.authenticate(request, "10.0.0.9")


@pytest.mark.parametrize("minutes", [16, -16])
def test_a_request_from_another_time_is_refused(machine, minutes):
    machine.clock.move(minutes=60)
    request = machine.signed(machine.first.key)
    machine.clock.move(minutes=minutes)
    with pytest.raises(TimeStampExpired):
        machine.authenticate(request, "10.0.0.9")


def test_a_request_is_not_taken_again_after_a_restart(machine):
    request = machine.signed(machine.first.key)
    machine.authenticate(request, "10.0.0.9")
    machine.clock.move(seconds=2)
    restarted = type(machine.authenticate)(machine.store, machine.vault, machine.clock)
    with pytest.raises(TimeStampExpired):
        restarted(request, "10.0.0.9")


def test_forgetting_nonces_never_lets_a_replay_in(machine):
    start = machine.clock()
    nonces = Nonces(start, remembered=10)
    for second in range(20):
        now = start + timedelta(seconds=second)
        nonces.use("key", f"nonce {second}", now, now)
    for second in range(20):
        with pytest.raises(Unauthenticated):
            nonces.use("key", f"nonce {second}", start + timedelta(seconds=second), now)


def test_who_asks_too_much_closes_the_door_to_nobody_else(machine):
    now = machine.clock()
    nonces = Nonces(now - timedelta(minutes=10), remembered=10)
    nonces.use("modest", "first", now - timedelta(minutes=5), now)
    for number in range(30):
        nonces.use("greedy", f"nonce {number}", now + timedelta(seconds=number), now)

    with pytest.raises(NonceUsed):
        nonces.use("modest", "first", now - timedelta(minutes=5), now)
    nonces.use("modest", "second", now - timedelta(minutes=5), now)
    with pytest.raises(TimeStampExpired, match="before what is remembered"):
        nonces.use("greedy", "another", now, now)


def restarted(machine, folder):
    """The daemon that comes after one that was killed."""
    return Authenticator(machine.store, machine.vault, machine.clock, folder)


def test_a_client_whose_clock_is_slow_gets_in_after_a_restart_too_and_each_request_still_once(
    machine, tmp_path
):
    folder = tmp_path / "nonces"
    before, early = restarted(machine, folder), machine.signed(machine.first.key)
    machine.clock.move(minutes=16)
    used, late = machine.signed(machine.first.key), machine.signed(machine.first.key)
    before(used, "10.0.0.9")
    machine.clock.move(minutes=5)

    for _ in range(2):
        after = restarted(machine, folder)
        with pytest.raises(NonceUsed):
            after(used, "10.0.0.9")
    assert after(late, "10.0.0.9").owner
    with pytest.raises(TimeStampExpired):
        after(early, "10.0.0.9")


def test_what_is_too_old_to_come_again_is_dropped_from_the_disk(machine, tmp_path):
    for _ in range(20):
        restarted(machine, tmp_path / "nonces")(machine.signed(machine.first.key), "10.0.0.9")
        machine.clock.move(minutes=15)

    assert len(list((tmp_path / "nonces").iterdir())) == 4


@pytest.mark.parametrize("marker", ["another-boot 0", "", None], ids=["power cut", "torn", "disk was full"])
def test_where_it_is_not_known_what_was_used_nothing_from_before_is_taken(machine, tmp_path, marker):
    folder = tmp_path / "nonces"
    used = machine.signed(machine.first.key)
    restarted(machine, folder)(used, "10.0.0.9")
    machine.clock.move(minutes=1)
    if marker is None:
        (folder / "boot").unlink()
    else:
        (folder / "boot").write_text(marker)

    for _ in range(2):
        with pytest.raises(TimeStampExpired, match="before what is remembered"):
            restarted(machine, folder)(used, "10.0.0.9")
    assert restarted(machine, folder)(machine.signed(machine.first.key), "10.0.0.9").owner


def test_nonces_that_cannot_be_kept_keep_nobody_out(machine, tmp_path):
    (tmp_path / "nonces").touch()  # no folder can be made here
    used = machine.signed(machine.first.key)
    daemon = restarted(machine, tmp_path / "nonces")

    assert daemon(used, "10.0.0.9").owner
    with pytest.raises(NonceUsed):
        daemon(used, "10.0.0.9")


def test_a_disabled_key_and_a_disabled_user_are_out_at_once(machine):
    ada = machine.add_user("ada", 2001)
    first, second = machine.add_key(ada), machine.add_key(ada)
    machine.authenticate(machine.signed(first), "10.0.0.9")

    with machine.store.transaction() as db:
        db.execute("UPDATE access_keys SET enabled = 0 WHERE access_key_id = ?", [first.access_key_id])
    with pytest.raises(AccessKeyDisabled):
        machine.authenticate(machine.signed(first), "10.0.0.9")
    machine.authenticate(machine.signed(second), "10.0.0.9")

    with machine.store.transaction() as db:
        db.execute("UPDATE users SET enabled = 0 WHERE user_id = ?", [ada.user_id])
    for request, source in ((machine.signed(second), "10.0.0.9"), (PLAIN, "unix:2001")):
        with pytest.raises(UserDisabled):
            machine.authenticate(request, source)


def test_a_bearer_token_lets_in_until_it_ends(machine):
    with machine.store.transaction() as db:
        _, secret = tokens.create(
            db, machine.first.user_id, description="ci", life_hours=1, now=machine.clock()
        )
    request = replace(PLAIN, headers={"x-acs-bearer-token": secret})
    assert machine.authenticate(request, "10.0.0.9").owner

    machine.clock.move(hours=1)
    with pytest.raises(InvalidToken):
        machine.authenticate(request, "10.0.0.9")


def test_guessing_is_slowed_down_for_the_guesser_alone(machine):
    wrong = access_keys.KeyPair(access_key_id=machine.first.key.access_key_id, secret="guess")
    for _ in range(10):
        with pytest.raises(SignatureDoesNotMatch):
            machine.authenticate(machine.signed(wrong), "10.6.6.6")
    with pytest.raises(TooManyFailures) as refused:
        machine.authenticate(machine.signed(machine.first.key), "10.6.6.6")

    assert refused.value.retry_after_s == 60
    assert machine.authenticate(machine.signed(machine.first.key), "10.0.0.9").owner
    machine.clock.move(minutes=1)
    assert machine.authenticate(machine.signed(machine.first.key), "10.6.6.6").owner


def test_what_comes_without_credentials_is_slowed_down_and_locks_nobody_out(machine):
    with machine.store.transaction() as db:
        _, secret = tokens.create(
            db, machine.first.user_id, description="ci", life_hours=1, now=machine.clock()
        )
    broken = replace(PLAIN, headers={"authorization": "acs broken"})
    guess = replace(PLAIN, headers={"x-acs-bearer-token": "wbt_guess"})
    unknown = [access_keys.KeyPair(access_key_id=f"WB{number}", secret="guess") for number in range(6)]
    for request in [PLAIN, guess] * 3 + [machine.signed(key) for key in unknown[:4]]:
        with pytest.raises(Unauthenticated):
            machine.authenticate(request, "10.6.6.6")
    for request in (PLAIN, guess, broken, machine.signed(unknown[4])):
        with pytest.raises(TooManyFailures):
            machine.authenticate(request, "10.6.6.6")

    token = replace(PLAIN, headers={"x-acs-bearer-token": secret})
    assert machine.authenticate(token, "10.6.6.6").owner
    assert machine.authenticate(machine.signed(machine.first.key), "10.6.6.6").owner


def test_the_last_use_of_a_key_is_written_once_a_minute(machine):
    def last_used_at():
        with machine.store.reading() as db:
            key, _ = access_keys.find_with_user(db, machine.first.key.access_key_id)
        return key.last_used_at

    first = machine.clock()
    for later, expected in ((0, first), (30, first), (30, first + timedelta(minutes=1))):
        machine.clock.move(seconds=later)
        machine.authenticate(machine.signed(machine.first.key), "10.0.0.9")
        assert last_used_at() == expected


def test_who_was_let_in_is_known_as_long_as_they_would_be_let_in_again(machine):
    ada = machine.add_user("ada", 2001)
    pair = machine.add_key(ada)
    with machine.store.transaction() as db:
        _, secret = tokens.create(db, ada.user_id, description="", life_hours=1, now=machine.clock())
    bearer = replace(PLAIN, headers={"authorization": f"Bearer {secret}"})
    by_key = machine.authenticate(machine.signed(pair), "10.0.0.9")
    by_token = machine.authenticate(bearer, "10.0.0.9")
    by_uid = machine.authenticate(PLAIN, "unix:2001")
    for each in (by_key, by_token, by_uid):
        machine.authenticate.recognise(each)

    machine.clock.move(hours=1)
    with pytest.raises(InvalidToken):
        machine.authenticate.recognise(by_token)
    with machine.store.transaction() as db:
        access_keys.set_enabled(db, pair.access_key_id, False)
    with pytest.raises(AccessKeyDisabled):
        machine.authenticate.recognise(by_key)
    machine.authenticate.recognise(by_uid)
    machine.ask(machine.owner, "UpdateUser", user_id=ada.user_id, Enabled=False, Sessions="keep")
    with pytest.raises(UserDisabled):
        machine.authenticate.recognise(by_uid)
