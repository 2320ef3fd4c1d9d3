"""The discovery service set: which endpoints there are, under the host that the client used (Part 4, 5.5)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from asyncua import ua

from server.protocol.dispatch import Call, Dispatcher
from server.protocol.stack import APPLICATION_URI, Policy

PRODUCT_URI: Final = "urn:voltkeep"
APPLICATION_NAME: Final = "Voltkeep"
_TRANSPORT: Final = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
_MOST_URL: Final = 4096  # Part 6, 7.1.2.3

ANONYMOUS: Final = "anonymous"
USER_NAME: Final = "username"
CERTIFICATE: Final = "certificate"


class DiscoveryService:
    """Answers GetEndpoints and FindServers; `names` are the hosts that the server's certificate names."""

    def __init__(
        self, policies: Sequence[Policy], url: str, certificates: bytes, names: Iterable[str]
    ) -> None:
        self._policies = policies
        self._certificates = certificates
        self._names = frozenset(names)
        parts = urlsplit(url)
        self._host = _reachable(parts.hostname or "localhost")
        self._port, self._path = parts.port, parts.path

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.GetEndpointsRequest, self._get_endpoints, session=False)
        dispatcher.serve(ua.FindServersRequest, self._find_servers, session=False)

    def endpoints(self, url: str | None) -> list[ua.EndpointDescription]:
        """The endpoints for a client that came by `url`."""
        reached = self._reached(url)
        return [self._endpoint(policy, reached) for policy in self._policies]

    def policy(self, uri: str, mode: ua.MessageSecurityMode) -> Policy | None:
        """The policy of an endpoint, or None where only discovery is possible."""
        return next((policy for policy in self._policies if (policy.uri, policy.mode) == (uri, mode)), None)

    def is_known(self, url: str | None) -> bool:
        """Whether the host of `url` is one that the server's certificate names (Part 4, 5.7.2.2)."""
        return _host_of(url) in self._names

    def _reached(self, url: str | None) -> str:
        """Our URL with the host that the client used, where it is one of ours."""
        host = _host_of(url) if self.is_known(url) else self._host
        return f"opc.tcp://{f'[{host}]' if ':' in host else host}:{self._port}{self._path}"

    def _application(self, url: str) -> ua.ApplicationDescription:
        application = ua.ApplicationDescription()
        application.ApplicationUri = APPLICATION_URI
        application.ProductUri = PRODUCT_URI
        application.ApplicationName = ua.LocalizedText(APPLICATION_NAME)
        application.ApplicationType = ua.ApplicationType.Server
        application.DiscoveryUrls = [url]
        return application

    def _endpoint(self, policy: Policy, url: str) -> ua.EndpointDescription:
        endpoint = ua.EndpointDescription()
        endpoint.EndpointUrl = url
        endpoint.Server = self._application(url)
        endpoint.ServerCertificate = self._certificates
        endpoint.SecurityMode = policy.mode
        endpoint.SecurityPolicyUri = policy.uri
        endpoint.TransportProfileUri = _TRANSPORT
        endpoint.SecurityLevel = policy.level
        endpoint.UserIdentityTokens = user_token_policies(policy)
        return endpoint

    def _get_endpoints(self, call: Call) -> ua.GetEndpointsResponse:
        params = call.params(ua.GetEndpointsParameters)
        response = ua.GetEndpointsResponse()
        wanted = params.ProfileUris
        response.Endpoints = [] if wanted and _TRANSPORT not in wanted else self.endpoints(params.EndpointUrl)
        return response

    def _find_servers(self, call: Call) -> ua.FindServersResponse:
        params = call.params(ua.FindServersParameters)
        response = ua.FindServersResponse()
        wanted = params.ServerUris
        application = self._application(self._reached(params.EndpointUrl))
        response.Servers = [] if wanted and APPLICATION_URI not in wanted else [application]
        return response


def user_token_policies(policy: Policy) -> list[ua.UserTokenPolicy]:
    """How users may log in: nobody is anonymous but where there is no security, for a demo (X1)."""
    if policy.mode is ua.MessageSecurityMode.None_:
        return [_token_policy(ANONYMOUS, ua.UserTokenType.Anonymous, None)]
    return [
        _token_policy(USER_NAME, ua.UserTokenType.UserName, policy.uri),
        _token_policy(CERTIFICATE, ua.UserTokenType.Certificate, policy.uri),
    ]


def _token_policy(name: str, kind: ua.UserTokenType, uri: str | None) -> ua.UserTokenPolicy:
    token = ua.UserTokenPolicy()
    token.PolicyId, token.TokenType, token.SecurityPolicyUri = name, kind, uri
    return token


def _host_of(url: str | None) -> str:
    """Host of an endpoint's URL, in small letters; empty when there is none."""
    try:
        return urlsplit((url or "")[:_MOST_URL]).hostname or ""
    except ValueError:
        return ""


def _reachable(host: str) -> str:
    """A name to tell clients where we listen on all addresses."""
    try:
        return socket.gethostname() if ipaddress.ip_address(host).is_unspecified else host
    except ValueError:
        return host
