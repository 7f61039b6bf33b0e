"""What a page in a browser needs: allowed by configuration alone."""

import pytest

from support.client import Client
from support.making import body, trace_of

PAGE = "https://app.example.com"


@pytest.fixture
def port(collector):
    return collector(
        {"debug": "verbosity: basic"},
        receiver="cors: {allowed_origins: ['https://*.example.com'], allowed_headers: [x-api-key], max_age: 60}, "
        "auth: {authenticator: apikeyauth}",
        extensions={"apikeyauth": "keys: [{key: k1}]"},
    ).port


def test_a_preflight_needs_no_key(port):
    with Client(port) as client:
        answer = client.send(
            None,
            method="OPTIONS",
            Origin=PAGE,
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="content-type,x-api-key",
        )
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-api-key"
    assert answer.headers["Access-Control-Max-Age"] == "60"


def test_answers_and_refusals_can_be_read_by_the_page(port):
    content = body(*trace_of()[0])
    with Client(port) as client:
        answers = [
            client.send(content, Origin=PAGE, X_Api_Key="k1"),
            client.send(content, Origin=PAGE),
            client.send(b"nothing good", Origin=PAGE, X_Api_Key="k1"),
        ]
        assert [answer.status for answer in answers] == [200, 401, 400]
        for answer in answers:
            assert answer.headers["Access-Control-Allow-Origin"] == PAGE
            assert answer.headers["Vary"] == "Origin"
        other = client.send(content, Origin="https://example.org", X_Api_Key="k1")
        assert other.status == 200 and other.headers["Access-Control-Allow-Origin"] is None
