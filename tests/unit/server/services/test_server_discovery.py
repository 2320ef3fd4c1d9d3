"""Which endpoints clients are told of, and by which name."""

from __future__ import annotations

import socket

import pytest
from asyncua import ua

from server.protocol.stack import Policy
from server.services.discovery import DiscoveryService, user_token_policies

PLAIN = Policy("http://opcfoundation.org/UA/SecurityPolicy#None", ua.MessageSecurityMode.None_, 0, None)
SECURE = Policy(
    "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256", ua.MessageSecurityMode.Sign, 1, None
)
URL = "opc.tcp://10.0.0.7:4840/voltkeep"
NAMES = ("plant.example", "10.0.0.7", "fe80::1")


def discovery(*policies: Policy, url: str = URL) -> DiscoveryService:
    return DiscoveryService(policies, url, b"certificate", NAMES)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (None, URL),
        (URL, URL),
        ("opc.tcp://plant.example:48400/other", "opc.tcp://plant.example:4840/voltkeep"),
        ("opc.tcp://PLANT.example", "opc.tcp://plant.example:4840/voltkeep"),
        ("opc.tcp://[fe80::1]:4840", "opc.tcp://[fe80::1]:4840/voltkeep"),
        ("opc.tcp://user@evil.example@plant.example/", "opc.tcp://plant.example:4840/voltkeep"),
        ("opc.tcp://evil.example/", URL),
        ("opc.tcp://" + "x" * 100_000, URL),
        ("opc.tcp://[", URL),
    ],
)
def test_a_client_is_told_the_name_it_used_if_it_is_ours(asked: str | None, told: str) -> None:
    [endpoint] = discovery(SECURE).endpoints(asked)
    assert endpoint.EndpointUrl == told
    assert endpoint.Server.DiscoveryUrls == [told]


def test_all_addresses_are_told_as_this_machines_name() -> None:
    [endpoint] = discovery(SECURE, url="opc.tcp://0.0.0.0:4840/voltkeep").endpoints(None)
    assert endpoint.EndpointUrl == f"opc.tcp://{socket.gethostname().lower()}:4840/voltkeep"


def test_without_a_demo_there_is_no_endpoint_without_security() -> None:
    assert discovery(SECURE).policy(PLAIN.uri, PLAIN.mode) is None
    assert discovery(SECURE, PLAIN).policy(PLAIN.uri, PLAIN.mode) is PLAIN
    assert discovery(SECURE).policy(SECURE.uri, ua.MessageSecurityMode.SignAndEncrypt) is None


def test_anonymous_is_for_the_endpoint_without_security_only() -> None:
    def kinds(policy: Policy) -> dict[str, tuple[ua.UserTokenType, str | None]]:
        return {p.PolicyId: (p.TokenType, p.SecurityPolicyUri) for p in user_token_policies(policy)}

    assert kinds(PLAIN) == {"anonymous": (ua.UserTokenType.Anonymous, None)}
    assert kinds(SECURE) == {
        "username": (ua.UserTokenType.UserName, SECURE.uri),
        "certificate": (ua.UserTokenType.Certificate, SECURE.uri),
    }
