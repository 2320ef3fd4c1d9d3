"""Methods of the Server object that deal with subscriptions (Part 5, 9.1 and 9.2)."""

from __future__ import annotations

from asyncua import ua

from server.security.permissions import Profile
from server.services.method import Invocation, MethodError, MethodService, Outputs
from server.services.subscription import SubscriptionService
from server.space.addressspace import AddressSpace
from server.subscriptions.subscription import Subscription

S = ua.StatusCodes
VT = ua.VariantType
Ids = ua.ObjectIds


class ServerMethods:
    """GetMonitoredItems and ResendData, which reach the caller's own subscriptions only."""

    def __init__(self, space: AddressSpace, subscriptions: SubscriptionService) -> None:
        self._subscriptions = subscriptions
        # Optional ones that this server does not have.
        for method in (Ids.Server_SetSubscriptionDurable, Ids.Server_RequestServerStateChange):
            space.remove(ua.NodeId(method))

    def register(self, methods: MethodService) -> None:
        """Take them on."""
        methods.add(ua.NodeId(Ids.Server_GetMonitoredItems), Profile.CALL_PUBLIC, self._items)
        methods.add(ua.NodeId(Ids.Server_ResendData), Profile.CALL_PUBLIC, self._resend)

    def _items(self, call: Invocation) -> Outputs:
        """Ids and client handles, for a client that lost count of them."""
        ids, handles = self._own(call).items.handles()
        return [ua.Variant(numbers, VT.UInt32, is_array=True) for numbers in (ids, handles)]

    def _resend(self, call: Invocation) -> Outputs:
        """Every value once more with the next message."""
        self._own(call).items.resend()
        return ()

    def _own(self, call: Invocation) -> Subscription:
        (number,) = call.values
        subscription = call.session.subscriptions.get(number)
        if subscription is None:
            another = number in self._subscriptions.all
            raise MethodError(S.BadUserAccessDenied if another else S.BadSubscriptionIdInvalid)
        subscription.reset_lifetime()
        return subscription
