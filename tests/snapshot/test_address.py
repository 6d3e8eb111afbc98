"""The one rule for which addresses may be called."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.errors import ClientError
from gatewright.snapshot.address import Address, is_public, parse_base


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://api.openai.com/v1", Address("https", "api.openai.com", 443, "/v1")),
        ("  HTTPS://API.Example.COM:8443/a/b/ ", Address("https", "api.example.com", 8443, "/a/b")),
        ("https://8.8.8.8", Address("https", "8.8.8.8", 443)),
        ("https://[2606:4700::1111]:444/x", Address("https", "2606:4700::1111", 444, "/x")),
        ("https://api.example.com.", Address("https", "api.example.com", 443)),
    ],
)
def test_public_addresses_are_taken_apart(url, address):
    """Scheme and host in lower case, the scheme's own port, no trailing slash."""
    assert parse_base(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "", "api.openai.com/v1", "ftp://api.openai.com", "http://api.openai.com", "https://", "https:///v1",
        "https://user:canary-password@api.openai.com", "https://canary-password@api.openai.com", "https://a/?q=1",
        "https://a/#f", "https://127.0.0.1", "https://localhost", "https://LOCALHOST.", "https://x.localhost",
        "https://printer.local", "https://metadata.google.internal", "https://10.1.2.3", "https://169.254.169.254", "https://192.0.0.192",
        "https://127.1", "https://0177.0.0.1", "https://2130706433", "https://0x7f000001", "https://0x7f.1",
        "https://[::1]", "https://[::ffff:127.0.0.1]", "https://[64:ff9b::7f00:1]", "https://[2002:7f00:1::]",
        "https://[fe80::1]", "https://[fc00::1]", "https://[::]", "https://0.0.0.0", "https://224.0.0.1",
        "https://255.255.255.255", "https://100.64.0.1", "https://a:0", "https://a:99999", "https://a:x",
        "https://a.example/v\u00e9", 'https://a"b.example', "https://a.example/<x>", "https://a.example/{model}", "https://a..b",
        "https://[::1", "https://a/../b", "https://a/%2e%2e/b", "https://a b/", "https://a\tb", "https://a\\b",
        "https://\uff11\uff12\uff17.0.0.1", "https://exämple.com", "https://[fe80::1%25eth0]",
    ],
)  # fmt: skip
def test_what_must_not_be_called_is_refused_without_repeating_credentials(url):
    """Every way to write a private, odd or dangerous address that we know of."""
    with pytest.raises(ClientError) as caught:
        parse_base(url)
    assert caught.value.public.startswith("Invalid api_base:")
    assert "canary-password" not in caught.value.public


def test_private_addresses_and_http_are_for_those_who_allow_them():
    """GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS opens both; odd numbers stay refused."""
    assert parse_base("http://127.0.0.1:11434/v1", allow_private=True) == Address(
        "http", "127.0.0.1", 11434, "/v1", private=True
    )
    assert parse_base("http://localhost", allow_private=True).port == 80
    for odd in ("http://127.1", "http://2130706433", "ftp://127.0.0.1", "http://u:p@127.0.0.1"):
        with pytest.raises(ClientError):
            parse_base(odd, allow_private=True)


@given(st.text(max_size=80))
def test_any_text_gives_an_address_or_our_own_error(text):
    """Fuzz: parse_base never fails in another way."""
    for url in (text, f"https://{text}", f"https://a.example/{text}"):
        try:
            address = parse_base(url)
        except ClientError:
            continue
        assert address.scheme == "https"
        assert address.host


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_in_every_ipv6_disguise(ip):
    """Mapped, 6to4 and NAT64 carry an IPv4 address, which decides."""
    number = int(ip)
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | number)
    nat64 = ipaddress.IPv6Address(0x64FF9B << 96 | number)
    six_to_four = ipaddress.IPv6Address(0x2002 << 112 | number << 80)
    assert is_public(mapped) == is_public(nat64) == is_public(six_to_four) == is_public(ip)


def test_the_authority_names_the_port_only_when_it_is_not_the_schemes_own():
    """What goes into the Host header; IPv6 in brackets."""
    assert Address("https", "a.example", 443).authority == "a.example"
    assert Address("https", "a.example", 8443).authority == "a.example:8443"
    assert Address("http", "::1", 80).authority == "[::1]"
