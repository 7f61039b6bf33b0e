"""What OTLP/HTTP asks of a server, case by case, and what Heirloom answers: a row each.

docs/otlp.md has the rows as a table: `python -m support.conformance` prints it. test_conformance.py sends every row in both
formats and every encoding, and checks every answer.
"""

import gzip
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import zstandard
from google.protobuf import json_format

from support import otlpjson
from support.client import PATH
from support.making import new_trace, request, span, trace_of
from support.servers import JSON, PROTOBUF

# The most that the collector of these rows takes, as sent and inflated.
LIMIT = 65536
# What the collector wants to hear that knows its senders.
KEY = "conformance"
BOTH = (PROTOBUF, JSON)
PLAIN, GZIP, ZSTD, DEFLATE = "identity", "gzip", "zstd", "deflate"
COMPRESSED = {GZIP: gzip.compress, ZSTD: zstandard.compress, DEFLATE: zlib.compress}


@dataclass(frozen=True)
class Sent:
    """A request. The body is that of the format, and compressed by whoever sends it, unless it is `raw`."""

    body: bytes
    headers: dict = field(default_factory=dict)
    method: str = "POST"
    path: str = PATH
    raw: bool = False


@dataclass(frozen=True)
class Row:
    case: str
    # What the specification has to say, in our words; nothing where it is silent.
    asked: str
    status: int
    # Makes the request in a format.
    send: Callable[[str], Sent]
    # Of the google.rpc.Status.
    code: int | None = None
    # Spans that a 200 says were left out.
    rejected: int = 0
    headers: dict = field(default_factory=dict)
    # What the message says, among other things.
    says: str = ""
    formats: tuple = BOTH
    encodings: tuple = (PLAIN, GZIP, ZSTD, DEFLATE)
    # Which collector it is sent to, by the name of a fixture.
    to: str = "limited"
    # The format of the answer, where it is not that of the request.
    answered_in: str | None = None
    # Whether the connection can be used again.
    keeps: bool = True

    @property
    def answer(self):
        """For the table."""
        parts = [str(self.status)]
        parts += [f"Status {self.code}"] if self.code is not None else []
        parts += [f"partial success: {self.rejected} left out"] if self.rejected else []
        parts += [f"`{name}: {value}`" for name, value in self.headers.items()]
        return ", ".join(parts)

    @property
    def title(self):
        only = "" if self.formats == BOTH else {PROTOBUF: " (protobuf)", JSON: " (JSON)"}[self.formats[0]]
        return self.case + only


def encoded(message, form):
    return message.SerializeToString() if form == PROTOBUF else otlpjson.text(message).encode()


def decoded(kind, body, form):
    """A reply's message. An unknown field or a value of the wrong form is an error."""
    return kind.FromString(body) if form == PROTOBUF else json_format.Parse(body, kind())


def good(form):
    return encoded(request(*trace_of()[0]), form)


def plain(**parts):
    """A good request but for these parts."""
    return lambda form: Sent(good(form), **parts)


def of(make):
    """A request of spans."""
    return lambda form: Sent(encoded(request(*make()), form))


def raw(make, **headers):
    """A body as it is."""
    return lambda form: Sent(make(form), headers, raw=True)


def body(protobuf, json):
    return lambda form: Sent(protobuf if form == PROTOBUF else json)


def sized(size, form):
    """A request of some more bytes than that, which hardly get fewer by compression."""
    return encoded(request(span(new_trace(), attributes={"padding": os.urandom(size).hex()})), form)


def nested(depth):
    a_span = span(new_trace())
    value = a_span.attributes.add(key="deep").value
    for _ in range(depth):
        value = value.array_value.values.add()
    return a_span


def broken(form):
    whole = gzip.compress(good(form))
    return whole[: len(whole) // 2]


def of_another_format(form):
    return Sent(good(JSON if form == PROTOBUF else PROTOBUF))


def json_span(members):
    text = '{"resourceSpans":[{"scopeSpans":[{"spans":[{%s}]}]}]}' % members
    return lambda _: Sent(text.encode())


def identified(members=""):
    ids = f'"traceId":"{new_trace().hex().upper()}","spanId":"{os.urandom(8).hex()}"'
    return json_span(f"{ids}{members}")


ACCEPT = {"Accept": f"{PROTOBUF}, {JSON}"}
ACCEPT_ENCODING = {"Accept-Encoding": "identity, gzip, zstd, zlib, deflate"}
INVALID, EXHAUSTED, UNIMPLEMENTED, UNAVAILABLE, UNAUTHENTICATED = 3, 8, 12, 14, 16
AS_REQUESTED = "200 and the signal's response, in the request's format, `partial_success` unset"
BAD_REQUEST = "400 and a Status, in the request's format; not to be sent again"
TOO_LARGE = "413 and a Status, as sent and inflated; 64 MiB are recommended"
SILENT = "nothing; HTTP's rules"
PARTIAL = "200 and the count in `partial_success`; not to be sent again"

ROWS = [
    Row("a good request", AS_REQUESTED, 200, plain()),
    Row("a request without anything in it", "success", 200, body(b"", b"{}")),
    Row("a media type in any letter case, with parameters", SILENT, 200, lambda form: Sent(
        good(form), {"Content_Type": f"{form.upper()} ; charset=\"UTF-8\"; x=y"})),
    Row("a field that is not known", "ignored", 200,
        body(b"\xa2\x06\x03abc", b'{"future":{"x":[1,null,{"y":"z"}]}}')),
    Row("`Content-Encoding: identity`", SILENT, 200, plain(headers={"Content_Encoding": "identity"}), encodings=(PLAIN,)),
    Row("`Content-Encoding: GZIP`", SILENT, 200, raw(lambda form: gzip.compress(good(form)), Content_Encoding="GZIP"),
        encodings=(GZIP,)),
    Row("ids in hexadecimal digits of any case", "accepted", 200, identified(), formats=(JSON,)),
    Row("64-bit integers as strings or as numbers", "accepted", 200, identified(
        ',"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":1700000000000000002'), formats=(JSON,)),
    Row("an enum by its name", "numbers only", 200, identified(',"kind":"SPAN_KIND_SERVER"'), formats=(JSON,)),
    Row("names as they stand in proto/", "lowerCamelCase only", 200, identified(',"start_time_unix_nano":"1"'),
        formats=(JSON,)),
    Row("null for a field", "as if it were not there", 200, identified(',"name":null,"events":null,"status":null'),
        formats=(JSON,)),
    Row("one span with an id of another length among good ones", PARTIAL, 200,
        of(lambda: [*trace_of()[0], span(b"\1" * 15), *trace_of()[0]]), rejected=1, says="trace id"),
    Row("nothing but spans without ids", PARTIAL, 200, of(lambda: [span(b""), span(b"")]), rejected=2),
    Row("text that is not UTF-8", "", 200, lambda form: Sent(
        encoded(request(span(new_trace(), "@@@@")), form).replace(b"@@@@", b"\xff\xfe\xfd@")), formats=(PROTOBUF,),
        rejected=1, says="UTF-8"),
    Row("text that is not UTF-8", "", 400, lambda form: Sent(
        encoded(request(span(new_trace(), "@@@@")), form).replace(b"@@@@", b"\xff\xfe\xfd@")), INVALID, formats=(JSON,),
        says="UTF-8"),
    Row("half a surrogate pair", "", 400, identified(r',"name":"\ud800"'), INVALID, formats=(JSON,), says="byte"),
    Row("an id that is not hexadecimal", "", 400, json_span('"traceId":"W47/95gDgQPSabYzgT/GDA=="'), INVALID,
        formats=(JSON,), says="traceId"),
    Row("a value that its field cannot have", "", 400, identified(',"name":[1]'), INVALID, formats=(JSON,), says="name"),
    Row("an enum by a name that it does not have", "", 400, identified(',"kind":"SERVER"'), INVALID, formats=(JSON,),
        says="kind"),
    Row("a malformed message", BAD_REQUEST, 400, body(b"this is no protobuf", b'{"resourceSpans":[}'), INVALID,
        says="malformed"),
    Row("a message that is cut off", BAD_REQUEST, 400, lambda form: Sent(good(form)[:-2]), INVALID, says="malformed"),
    Row("bytes behind the message", BAD_REQUEST, 400, lambda form: Sent(good(form) + b"\x0b"), INVALID, says="malformed"),
    Row("no bytes at all", BAD_REQUEST, 400, lambda form: Sent(b""), INVALID, formats=(JSON,), says="malformed"),
    Row("a message of the other format", BAD_REQUEST, 400, of_another_format, INVALID, says="malformed"),
    Row("messages nested 70 levels deep", "", 400, of(lambda: [nested(33)]), INVALID, says="nested"),
    Row("no media type", SILENT, 415, plain(headers={"Content_Type": None}), INVALID, headers=ACCEPT,
        answered_in=PROTOBUF),
    Row("another media type", SILENT, 415, plain(headers={"Content_Type": "text/plain"}), INVALID, headers=ACCEPT,
        answered_in=PROTOBUF),
    Row("another charset", SILENT, 415, plain(headers={"Content_Type": f"{JSON}; charset=iso-8859-1"}), INVALID,
        headers=ACCEPT, formats=(JSON,), says="utf-8"),
    *[Row(f"{method}", "POST only", 405, plain(method=method), UNIMPLEMENTED, headers={"Allow": "POST"})
      for method in ["GET", "PUT", "PATCH", "DELETE"]],
    Row("another path", SILENT, 404, plain(path="/v1/nothing"), UNIMPLEMENTED, says="/v1/traces"),
    Row("an encoding that is not known", SILENT, 415, plain(headers={"Content_Encoding": "br"}, raw=True), INVALID,
        headers=ACCEPT_ENCODING),
    Row("a list of encodings", SILENT, 415, plain(headers={"Content_Encoding": "gzip, gzip"}, raw=True), INVALID,
        headers=ACCEPT_ENCODING),
    Row("a gzip file that is broken", BAD_REQUEST, 400, raw(broken, Content_Encoding="gzip"), INVALID, encodings=(GZIP,),
        says="gzip"),
    Row("gzip named, and no bytes", BAD_REQUEST, 400, raw(lambda _: b"", Content_Encoding="gzip"), INVALID,
        encodings=(GZIP,), says="empty"),
    Row("gzip named, and a plain message", BAD_REQUEST, 400, raw(good, Content_Encoding="gzip"), INVALID,
        encodings=(GZIP,), says="gzip"),
    Row("more bytes than `max_request_body_size`", TOO_LARGE, 413, lambda form: Sent(sized(2 * LIMIT, form)), EXHAUSTED,
        says=str(LIMIT), keeps=False),
    Row("more bytes than that, inflated", TOO_LARGE, 413, lambda form: Sent(
        encoded(request(span(new_trace(), "x" * LIMIT)), form)), EXHAUSTED, encodings=(GZIP, ZSTD, DEFLATE), says=str(LIMIT)),
    Row("headers over `max_request_headers_size`", SILENT, 431, plain(headers={"X_Long": "x" * 17000}), EXHAUSTED,
        says="headers", keeps=False),
    Row("nothing can be taken for the moment", "429 or 503, with `Retry-After` if the server likes", 503, plain(),
        UNAVAILABLE, headers={"Retry-After": "5"}, to="full", says="try again later"),
    Row("no credentials where some are needed", "", 401, plain(), UNAUTHENTICATED, to="locked"),
    Row("wrong credentials", "", 401, plain(headers={"X_API_Key": "wrong"}), UNAUTHENTICATED, to="locked"),
    Row("the right credentials", "", 200, plain(headers={"X_API_Key": KEY}), to="locked"),
]


def table():
    """docs/otlp.md's."""
    lines = ["| request | OTLP asks for | Heirloom answers |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {row.title} | {row.asked} | {row.answer} |" for row in ROWS])


if __name__ == "__main__":
    print(table())
