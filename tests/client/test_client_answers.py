"""What a client makes of what comes back."""

from __future__ import annotations

import pytest

from workbench.client.answers import ClientError, DaemonAway, read, read_line


def test_a_refusal_keeps_its_code_its_words_and_the_request_that_finds_it_in_the_log() -> None:
    body = b'{"Code":"InstanceNotFound","Message":"There is no notebook.","RequestId":"ABC"}'

    with pytest.raises(ClientError) as refused:
        read(404, body)

    error = refused.value
    assert (error.code, error.status, error.request_id) == ("InstanceNotFound", 404, "ABC")
    assert error.message == "There is no notebook."


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff"])
def test_an_answer_of_some_other_server_is_told_as_such(body: bytes) -> None:
    with pytest.raises(ClientError, match="not Workbench"):
        read(200, body)


def test_a_stream_beats_while_nothing_happens() -> None:
    assert read_line(b"\n") == {}
    assert read_line(b'{"Status":"Running"}\n') == {"Status": "Running"}


def test_a_stream_whose_daemon_stops_ends_with_that_and_not_as_if_all_were_said() -> None:
    with pytest.raises(DaemonAway, match="was stopped"):
        read_line(b'{"Code":"DaemonAway","Message":"Workbench was stopped.","RequestId":"ABC"}\n')


def test_a_stream_that_breaks_off_says_why() -> None:
    with pytest.raises(ClientError, match="broke off"):
        read_line(b'{"Code":"InternalError","Message":"The stream broke off.","RequestId":"ABC"}\n')
