"""The subscription service set (Part 4, 5.14)."""

from __future__ import annotations

import math
import random
import struct
import time
from collections.abc import Iterator
from typing import Final

from asyncua import ua

from server.errors import ServiceError
from server.livetable import LiveTable
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.sessions import Session
from server.protocol.turns import Work
from server.protocol.wire import I32, response_header
from server.subscriptions.limits import ITEM_MEMORY, MAX_SUBSCRIPTIONS_PER_SESSION, Budget
from server.subscriptions.listeners import Listeners
from server.subscriptions.sampler import Sampler
from server.subscriptions.sentmessages import MessageMemory
from server.subscriptions.subscription import (
    PublishRequest,
    Shared,
    Subscription,
    Terms,
    refuse_expired,
    refuse_idle,
    serve,
)

S = ua.StatusCodes

MAX_INTERVAL: Final = 3_600_000.0
MAX_KEEP_ALIVE: Final = 10_000
MAX_LIFETIME: Final = 100_000
MAX_SILENCE: Final = 8 * 3_600_000.0  # ms between keep-alives; three of them are the longest lifetime
MAX_PUBLISH_REQUESTS: Final = 100
MAX_SUBSCRIPTIONS_PER_CALL: Final = 1000
MAX_ACKNOWLEDGEMENTS: Final = 10_000  # in a Publish request
_ACKNOWLEDGEMENT: Final = struct.Struct("<II")
_REPUBLISH_RESPONSE: Final = int(ua.ObjectIds.RepublishResponse_Encoding_DefaultBinary)


class SubscriptionService:
    """All subscriptions of the server, and the requests that deal with whole subscriptions."""

    def __init__(self, table: LiveTable, max_subscriptions: int, min_interval: float) -> None:
        self.item_memory = Budget(ITEM_MEMORY)
        self._shared = Shared(table, Sampler(), self.item_memory, MessageMemory())
        self._max = max_subscriptions
        self._min_interval = min_interval
        # A start that is not always one: an old client's id shall not meet a new subscription.
        self._number = random.randrange(1, 1 << 24)
        self.all: dict[int, Subscription] = {}
        self.created = 0  # since the start

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.CreateSubscriptionRequest, self._create)
        dispatcher.serve(ua.ModifySubscriptionRequest, self._modify)
        dispatcher.serve(ua.SetPublishingModeRequest, self._set_publishing_mode)
        dispatcher.serve(ua.DeleteSubscriptionsRequest, self._delete)
        dispatcher.serve(ua.PublishRequest, self._publish)
        dispatcher.serve(ua.RepublishRequest, self._republish)
        dispatcher.serve(ua.TransferSubscriptionsRequest, self._transfer)

    def own(self, session: Session, number: int) -> Subscription:
        """The session's subscription of that id; nobody reaches another's."""
        subscription = session.subscriptions.get(number)
        if subscription is None:
            raise ServiceError(S.BadSubscriptionIdInvalid)
        subscription.reset_lifetime()
        return subscription

    def on_commit(self) -> None:
        """A scan was committed to the live table."""
        for subscription in self.all.values():
            subscription.items.on_commit()

    def listeners(self) -> Listeners:
        """Everybody's event items, as they are now."""
        everybody = self.all.values()
        return Listeners(item for each in everybody for item in each.items.events.values())

    def _forget(self, subscription: Subscription) -> None:
        self.all.pop(subscription.id, None)

    def close(self) -> None:
        """End all of them."""
        for subscription in list(self.all.values()):
            subscription.close()

    # -- services

    def _terms(self, asked: ua.CreateSubscriptionParameters | ua.ModifySubscriptionParameters) -> Terms:
        """The revised terms: a lifetime is three keep-alives or more (Part 4, 5.14.2.2), a day at most."""
        wanted = asked.RequestedPublishingInterval
        interval = min(max(wanted if wanted == wanted else 0.0, self._min_interval), MAX_INTERVAL)
        silence = max(1, min(MAX_KEEP_ALIVE, math.floor(MAX_SILENCE / interval)))
        keep_alive = min(asked.RequestedMaxKeepAliveCount or 10, silence)
        longest = min(MAX_LIFETIME, max(3 * keep_alive, math.floor(3 * MAX_SILENCE / interval)))
        lifetime = min(max(asked.RequestedLifetimeCount, 3 * keep_alive), longest)
        return Terms(interval, lifetime, keep_alive, asked.MaxNotificationsPerPublish, asked.Priority)

    def _create(self, call: Call) -> ua.CreateSubscriptionResponse:
        params = call.params(ua.CreateSubscriptionParameters)
        theirs = len(call.owner.subscriptions)
        if len(self.all) >= self._max or theirs >= MAX_SUBSCRIPTIONS_PER_SESSION:
            raise ServiceError(S.BadTooManySubscriptions)
        terms = self._terms(params)
        self._number += 1
        subscription = Subscription(
            self._number,
            call.owner,
            terms,
            bool(params.PublishingEnabled),
            self._shared,
            self._forget,
        )
        self.created += 1
        self.all[subscription.id] = subscription
        call.owner.subscriptions[subscription.id] = subscription
        response = ua.CreateSubscriptionResponse()
        response.Parameters.SubscriptionId = subscription.id
        _tell_terms(response.Parameters, terms)
        return response

    def _modify(self, call: Call) -> ua.ModifySubscriptionResponse:
        params = call.params(ua.ModifySubscriptionParameters)
        subscription = self.own(call.owner, params.SubscriptionId)
        terms = self._terms(params)
        subscription.change_terms(terms)
        response = ua.ModifySubscriptionResponse()
        _tell_terms(response.Parameters, terms)
        return response

    def _set_publishing_mode(self, call: Call) -> ua.SetPublishingModeResponse:
        params = call.params(ua.SetPublishingModeParameters)
        check_operations(len(params.SubscriptionIds), MAX_SUBSCRIPTIONS_PER_CALL)
        response = ua.SetPublishingModeResponse()
        for number in params.SubscriptionIds:
            subscription = call.owner.subscriptions.get(number)
            if subscription is not None:
                subscription.enable(bool(params.PublishingEnabled))
            known = S.Good if subscription is not None else S.BadSubscriptionIdInvalid
            response.Parameters.Results.append(ua.StatusCode(known))
        return response

    def _delete(self, call: Call) -> ua.DeleteSubscriptionsResponse:
        params = call.params(ua.DeleteSubscriptionsParameters)
        check_operations(len(params.SubscriptionIds), MAX_SUBSCRIPTIONS_PER_CALL)
        response = ua.DeleteSubscriptionsResponse()
        for number in params.SubscriptionIds:
            subscription = call.owner.subscriptions.get(number)
            if subscription is not None:
                subscription.close()
            known = S.Good if subscription is not None else S.BadSubscriptionIdInvalid
            response.Results.append(ua.StatusCode(known))
        return response

    def _publish(self, call: Call) -> None:
        """Take acknowledgements and queue the request; late subscriptions are served at once."""
        acknowledged = _acknowledgements(call)
        session = call.owner
        if not (session.subscriptions or session.farewells):
            raise ServiceError(S.BadNoSubscription)
        results = []
        for number, sequence in acknowledged:
            subscription = session.subscriptions.get(number)
            results.append(
                subscription.acknowledge(sequence)
                if subscription is not None
                else int(S.BadSubscriptionIdInvalid)
            )
        hint = call.header.timeout_hint / 1000
        request = PublishRequest(call, results, time.monotonic() + hint if hint else math.inf)
        if session.farewells:
            session.farewells.popleft()(request)
            refuse_idle(session)
            return
        queue = session.publish_queue
        refuse_expired(session)
        if len(queue) >= MAX_PUBLISH_REQUESTS:
            queue.popleft().fault(S.BadTooManyPublishRequests)
        queue.append(request)
        serve(session)

    def _republish(self, call: Call) -> bytes:
        params = call.params(ua.RepublishParameters)
        subscription = self.own(call.owner, params.SubscriptionId)
        subscription.counts.republish_requests += 1
        message = subscription.sent.get(params.RetransmitSequenceNumber)
        if message is None:
            raise ServiceError(S.BadMessageNotAvailable)
        subscription.counts.republished += 1
        return response_header(_REPUBLISH_RESPONSE, call.header.handle) + message

    def _transfer(self, call: Call) -> Work:
        params = call.params(ua.TransferSubscriptionsParameters)
        check_operations(len(params.SubscriptionIds), MAX_SUBSCRIPTIONS_PER_CALL)
        response = ua.TransferSubscriptionsResponse()
        for number in params.SubscriptionIds:
            result = self._transfer_one(call.owner, int(number), bool(params.SendInitialValues))
            response.Parameters.Results.append(result)
            yield
        return response

    def _transfer_one(self, session: Session, number: int, initial: bool) -> ua.TransferResult:
        result = ua.TransferResult()
        subscription = self.all.get(number)
        if subscription is None:
            result.StatusCode = ua.StatusCode(S.BadSubscriptionIdInvalid)
            return result
        subscription.counts.transfer_requests += 1
        refusal = self._transfer_refusal(session, subscription)
        if refusal:
            result.StatusCode = ua.StatusCode(refusal)
            return result
        same = subscription.certificate == session.certificate
        subscription.counts.transferred_to_same += same
        subscription.counts.transferred_to_other += not same
        subscription.move_to(session)
        if initial:
            subscription.items.resend()
        result.AvailableSequenceNumbers = subscription.sent.numbers()
        serve(session)
        return result

    @staticmethod
    def _transfer_refusal(session: Session, subscription: Subscription) -> int:
        """Why a session may not have a subscription, or 0 (Part 4, 5.14.7).

        It is for the same user only; anonymous ones are told apart by the certificate of their application.
        """
        if subscription.session is session:
            return int(S.BadNothingToDo)
        known = session.user.name or session.certificate
        same_application = session.user.name or subscription.certificate == session.certificate
        if not (known and same_application) or subscription.owner.name != session.user.name:
            return int(S.BadUserAccessDenied)
        if len(session.subscriptions) >= MAX_SUBSCRIPTIONS_PER_SESSION:
            return int(S.BadTooManySubscriptions)
        return 0


def _acknowledgements(call: Call) -> Iterator[tuple[int, int]]:
    """SubscriptionId and sequence number of each, in the request's order."""
    start = call.header.end + I32.size
    try:
        (count,) = I32.unpack_from(call.data, call.header.end)
    except struct.error:
        raise ServiceError(S.BadDecodingError) from None
    if count > MAX_ACKNOWLEDGEMENTS:
        raise ServiceError(S.BadTooManyOperations)
    end = start + max(count, 0) * _ACKNOWLEDGEMENT.size
    if count < -1 or end > len(call.data):
        raise ServiceError(S.BadDecodingError)
    return _ACKNOWLEDGEMENT.iter_unpack(memoryview(call.data)[start:end])


def _tell_terms(result: ua.CreateSubscriptionResult | ua.ModifySubscriptionResult, terms: Terms) -> None:
    result.RevisedPublishingInterval = terms.interval
    result.RevisedLifetimeCount = terms.lifetime
    result.RevisedMaxKeepAliveCount = terms.keep_alive
