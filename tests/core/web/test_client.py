"""The outgoing HTTP client against real servers: nothing leads it inside, nothing overwhelms it."""

from __future__ import annotations

import gzip
import zlib
from ipaddress import ip_address, ip_network

import pytest
from ckanext.kzopen.core.web import KzError
from ckanext.kzopen.core.web.addresses import checked_url, embedded, may_call, networks
from ckanext.kzopen.core.web.client import Client, Limits

from tests.core.web.servers import Clock, Reply, dripping, gzip_bomb, serving

# ruff: noqa: S104, SIM117 - numbers are tested, nothing binds to them; servers are nested as they call each other
LOOPBACK = networks("127.0.0.0/8")
QUICK = Limits(connect=1, read=1, total=2, received=1_000_000, unpacked=5_000_000, redirects=3)


def code_of(client: Client, url: str) -> str:
    with pytest.raises(KzError) as caught:
        client.get(url)
    return caught.value.code


def inside() -> Client:
    """A client that may call this machine, for what is tested beyond the address."""
    return Client(internal=LOOPBACK, limits=QUICK)


@pytest.mark.parametrize(
    "number",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "168.63.129.16", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
        "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_inner_number_is_not_called(number: str) -> None:
    assert not may_call(ip_address(number), ())


@pytest.mark.parametrize("number", ["8.8.8.8", "195.12.122.1", "2a00:1450:4010::8b", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_number_is_called(number: str) -> None:
    assert may_call(ip_address(number), ())


def test_a_network_that_the_operator_names_is_called_and_no_other() -> None:
    internal = networks("10.20.0.0/16, fd12::/48")
    assert internal == (ip_network("10.20.0.0/16"), ip_network("fd12::/48"))
    assert may_call(ip_address("10.20.1.1"), internal)
    assert may_call(ip_address("::ffff:10.20.1.1"), internal)
    assert not may_call(ip_address("10.21.1.1"), internal)


def test_the_number_inside_an_ipv6_address_is_found() -> None:
    assert str(embedded(ip_address("64:ff9b::7f00:1"))) == "127.0.0.1"
    assert str(embedded(ip_address("2002:a00:1::1"))) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("file:///etc/passwd", "client.refused_scheme"),
        ("gopher://example.org/", "client.refused_scheme"),
        ("ftp://example.org/", "client.refused_scheme"),
        ("//example.org/", "client.refused_scheme"),
        ("example.org", "client.refused_scheme"),
        ("http://", "client.bad_address"),
        ("http://user:secret@example.org/", "client.bad_address"),
        ("http://example.org@127.0.0.1/", "client.bad_address"),
        ("http://2130706433/", "client.bad_address"),
        ("http://0x7f000001/", "client.bad_address"),
        ("http://0x7f.1/", "client.bad_address"),
        ("http://0177.0.0.1/", "client.bad_address"),
        ("http://127.1/", "client.bad_address"),
        ("http://[fe80::1%25eth0]/", "client.bad_address"),
        ("http://exa mple.org/\r\nHost: x", "client.bad_address"),
    ],
)
def test_an_odd_address_is_refused_before_anything_is_asked(address: str, code: str) -> None:
    with pytest.raises(KzError) as caught:
        checked_url(address)
    assert caught.value.code == code
    assert "secret" not in caught.value.text("en")


def test_a_name_of_another_alphabet_is_an_address() -> None:
    assert checked_url("https://қазақстан.қаз/жол?q=ә").raw_host == b"xn--80aaa0a6awh12ed.xn--80ao21a"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"])
def test_this_machine_is_not_called(host: str) -> None:
    with serving(lambda _method, _path: (200, {}, b"secret")) as seen, Client(limits=QUICK) as client:
        assert code_of(client, f"http://{host}:{seen.port}/") == "client.refused_address"
        assert seen.requests == []


def test_a_name_with_one_inner_number_among_good_ones_is_refused() -> None:
    with Client(limits=QUICK, resolver=lambda _host, _port: ["8.8.8.8", "127.0.0.1"]) as client:
        assert code_of(client, "http://example.org/") == "client.refused_address"


def test_a_name_is_resolved_once_and_that_number_is_called() -> None:
    """A name that turns to another number after it was checked (rebinding) gains nothing: it is not asked again."""
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    with serving(lambda _method, _path: (200, {}, b"inner")) as seen:
        client = Client(internal=networks("127.0.0.2/32"), limits=QUICK, resolver=resolver)
        assert code_of(client, f"http://rebinding.example:{seen.port}/") == "client.unreachable"
        assert asked == ["rebinding.example"]
        # The second time it resolves to 127.0.0.1, where the server is, but which is not allowed.
        assert code_of(client, f"http://rebinding.example:{seen.port}/") == "client.refused_address"
        assert seen.requests == []
        client.close()


def test_the_server_is_told_the_name_although_the_number_is_called() -> None:
    with serving(lambda _method, _path: (200, {}, b"hello")) as seen:
        with Client(internal=LOOPBACK, limits=QUICK, resolver=lambda _host, _port: ["127.0.0.1"]) as client:
            answer, body = client.get(f"http://data.example:{seen.port}/a?b=c")
        assert (answer.status, body, answer.url) == (200, b"hello", f"http://data.example:{seen.port}/a?b=c")
        assert seen.requests[0][2]["Host"] == f"data.example:{seen.port}"


def test_a_redirect_inside_is_refused() -> None:
    """The outer server's number, 127.0.0.2, is allowed; it sends to another of this machine's, which is not."""
    with serving(lambda _method, _path: (200, {}, b"secret")) as inner:
        away = (302, {"Location": f"http://localhost:{inner.port}/latest/meta-data"}, b"")
        with serving(lambda _method, _path: away, "127.0.0.2") as outer:
            with Client(internal=networks("127.0.0.2/32"), limits=QUICK) as client:
                assert code_of(client, f"http://127.0.0.2:{outer.port}/") == "client.refused_address"
    assert (len(outer.requests), inner.requests) == (1, [])


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("file:///etc/passwd", "client.refused_scheme"),
        ("http://169.254.169.254/latest/meta-data", "client.refused_address"),
        ("http://[::ffff:10.0.0.1]/", "client.refused_address"),
        ("http://0x7f000001/", "client.bad_address"),
        ("//10.0.0.1/", "client.refused_address"),
    ],
)
def test_each_redirect_is_checked_like_the_first_address(location: str, code: str) -> None:
    with serving(lambda _method, _path: (302, {"Location": location}, b"")) as seen, inside() as client:
        assert code_of(client, f"http://127.0.0.1:{seen.port}/") == code


def test_redirects_are_followed_up_to_the_limit() -> None:
    def reply(_method: str, path: str) -> Reply:
        number = int(path.strip("/"))
        return (302, {"Location": f"/{number - 1}"}, b"") if number else (200, {}, b"end")

    with serving(reply) as seen, inside() as client:
        answer, body = client.get(f"http://127.0.0.1:{seen.port}/3")
        assert (body, answer.url) == (b"end", f"http://127.0.0.1:{seen.port}/0")
        assert code_of(client, f"http://127.0.0.1:{seen.port}/4") == "client.too_many_redirects"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://user:secret@127.1/a/b?apiKey=secret#secret", "http://127.1/a/b"),
        ("http://127.1?apiKey=secret@x", "http://127.1"),
        ("http://exa mple.org/@a?apiKey=secret", "http://exa mple.org/@a"),
    ],
)
def test_an_address_is_told_without_what_may_be_a_key(address: str, told: str) -> None:
    with pytest.raises(KzError) as refused:
        checked_url(address)
    assert refused.value.params == {"address": told}


def test_of_a_caller_s_headers_only_plain_ones_go_to_another_origin() -> None:
    given = {"Authorization": "Bearer x", "Cookie": "y", "X-Token": "z", "Accept": "a", "If-None-Match": '"b"'}
    with serving(lambda _method, _path: (200, {}, b"")) as other:
        moved = (307, {"Location": f"http://127.0.0.1:{other.port}/"}, b"")
        with serving(lambda _method, path: (307, {"Location": "/b"}, b"") if path == "/a" else moved) as first:
            with inside() as client:
                client.get(f"http://127.0.0.1:{first.port}/a", given)
    own = [{name: headers.get(name) for name in given} for _method, _path, headers, _body in first.requests]
    assert own == [given, given]
    ((_method, _path, headers, _body),) = other.requests
    assert {name: headers[name] for name in given if name in headers} == {"Accept": "a", "If-None-Match": '"b"'}


@pytest.mark.parametrize(("status", "method", "body"), [(303, "GET", b""), (302, "GET", b""), (307, "POST", b"a=1")])
def test_a_redirected_post(status: int, method: str, body: bytes) -> None:
    with serving(lambda _method, path: (status, {"Location": "/b"}, b"") if path == "/a" else (200, {}, b"")) as seen:
        with inside() as client, client.open("POST", f"http://127.0.0.1:{seen.port}/a", content=b"a=1") as answer:
            assert answer.status == 200
    assert (seen.requests[1][0], seen.requests[1][3]) == (method, body)


def test_an_answer_of_any_status_is_an_answer() -> None:
    with serving(lambda _method, _path: (404, {"ETag": '"a"'}, b"no")) as seen, inside() as client:
        answer, body = client.get(f"http://127.0.0.1:{seen.port}/")
        assert (answer.status, answer.headers["etag"], body) == (404, '"a"', b"no")


def test_connections_are_kept_between_requests() -> None:
    with serving(lambda _method, _path: (200, {}, b"x")) as seen:
        resolved: list[str] = []

        def resolver(host: str, _port: int) -> list[str]:
            resolved.append(host)
            return ["127.0.0.1"]

        with Client(internal=LOOPBACK, limits=QUICK, resolver=resolver) as client:
            for _ in range(3):
                client.get(f"http://data.example:{seen.port}/")
        assert (len(seen.requests), resolved) == (3, ["data.example"])


def test_a_packed_answer_is_unpacked() -> None:
    text = "қазақ ".encode() * 50_000
    two_members = gzip.compress(text[:1000]) + gzip.compress(text[1000:])
    for encoding, body in (("gzip", gzip.compress(text)), ("gzip", two_members), ("deflate", zlib.compress(text))):
        with serving(lambda _m, _p, e=encoding, b=body: (200, {"Content-Encoding": e}, b)) as seen, inside() as client:
            assert client.get(f"http://127.0.0.1:{seen.port}/")[1] == text


@pytest.mark.parametrize("length", [64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 128 * 1024, 0, 1])
def test_every_length_is_unpacked_whole(length: int) -> None:
    text = bytes(length)
    with serving(lambda _m, _p: (200, {"Content-Encoding": "gzip"}, gzip.compress(text))) as seen, inside() as client:
        assert client.get(f"http://127.0.0.1:{seen.port}/")[1] == text


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip_bomb(200)
    assert len(bomb) < QUICK.received
    with serving(lambda _method, _path: (200, {"Content-Encoding": "gzip"}, bomb)) as seen, inside() as client:
        pieces: list[int] = []
        with client.open("GET", f"http://127.0.0.1:{seen.port}/") as answer, pytest.raises(KzError) as caught:
            pieces.extend(len(chunk) for chunk in answer.chunks)
        assert caught.value.code == "client.too_large"
        assert max(pieces) == 64 * 1024
        assert sum(pieces) <= QUICK.unpacked


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"Content-Encoding": "br"}, b"x", "client.odd_encoding"),
        ({"Content-Encoding": "gzip"}, b"this is not gzip", "client.broken_body"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"whole text")[:-9], "client.broken_body"),
        ({}, bytes(1_000_001), "client.too_large"),
        ({"Content-Length": "999999999999"}, b"", "client.too_large"),
        ({"Content-Length": "10"}, b"short", "client.too_slow"),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(headers: dict[str, str], body: bytes, code: str) -> None:
    with serving(lambda _method, _path: (200, headers, body)) as seen, inside() as client:
        assert code_of(client, f"http://127.0.0.1:{seen.port}/") == code


def test_a_server_that_lies_about_the_length_is_stopped_while_it_sends() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + bytes(65536) + b"\r\n"
    with dripping(head, piece, 0.0) as port, inside() as client:
        pieces: list[int] = []
        with client.open("GET", f"http://127.0.0.1:{port}/") as answer, pytest.raises(KzError) as caught:
            pieces.extend(len(chunk) for chunk in answer.chunks)
    assert caught.value.code == "client.too_large"
    assert sum(pieces) <= QUICK.received


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Drip: drop\r\n"),
        (b"HTTP", b""),
    ],
    ids=["body", "headers", "silence"],
)
def test_a_dripping_server_is_left_in_time(head: bytes, drop: bytes) -> None:
    clock = Clock()
    with dripping(head, drop, 0.2) as port, inside() as client:
        assert code_of(client, f"http://127.0.0.1:{port}/") == "client.too_slow"
    assert clock.seconds < QUICK.total + 1


def test_headers_without_end_are_refused() -> None:
    with dripping(b"HTTP/1.1 200 OK\r\n", b"X-Long: " + b"y" * 8000 + b"\r\n", 0.0) as port, inside() as client:
        assert code_of(client, f"http://127.0.0.1:{port}/") == "client.unreachable"


def test_nobody_there_is_told_without_numbers() -> None:
    with Client(internal=LOOPBACK, limits=QUICK, resolver=lambda _host, _port: ["127.0.0.1"]) as client:
        with pytest.raises(KzError) as caught:
            client.get("http://silent.example:9/")
    assert caught.value.code == "client.unreachable"
    assert caught.value.text("ru") == "silent.example не отвечает."


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    def resolver(_host: str, _port: int) -> list[str]:
        raise OSError("Name or service not known")

    with Client(limits=QUICK, resolver=resolver) as client:
        assert code_of(client, "http://nowhere.example/") == "client.unreachable"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _method, _path: (200, {}, b"proxy")) as proxy, serving(lambda _m, _p: (200, {}, b"own")) as seen:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        with inside() as client:
            assert client.get(f"http://127.0.0.1:{seen.port}/")[1] == b"own"
        assert proxy.requests == []
