"""The subscription service set (Part 4, 5.14)."""

from __future__ import annotations

import random
import time
from typing import Final

from asyncua import ua

from server.errors import ServiceError
from server.events.event import Event
from server.livetable import LiveTable
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.sessions import Session
from server.protocol.wire import response_header
from server.subscriptions.subscription import PublishRequest, Subscription, Terms

S = ua.StatusCodes

MAX_INTERVAL: Final = 3_600_000.0
MAX_KEEP_ALIVE: Final = 10_000
MAX_LIFETIME: Final = 100_000
MAX_PUBLISH_REQUESTS: Final = 100
_DEFAULT_TIMEOUT: Final = 600.0
_REPUBLISH_RESPONSE: Final = int(ua.ObjectIds.RepublishResponse_Encoding_DefaultBinary)


class SubscriptionService:
    """All subscriptions of the server, and the requests that deal with whole subscriptions."""

    def __init__(self, table: LiveTable, max_subscriptions: int, min_interval: float) -> None:
        self._table = table
        self._max = max_subscriptions
        self._min_interval = min_interval
        # A start that is not always one: an old client's id shall not meet a new subscription.
        self._number = random.randrange(1, 1 << 24)
        self.all: dict[int, Subscription] = {}

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
            subscription.on_commit()

    def offer_event(self, event: Event, notifiers: frozenset[str]) -> None:
        """Give an event to every subscription that watches one of `notifiers`."""
        encoded: dict[tuple[object, ...], bytes] = {}
        for subscription in self.all.values():
            subscription.offer_event(event, notifiers, encoded)

    def _forget(self, subscription: Subscription) -> None:
        self.all.pop(subscription.id, None)

    def close(self) -> None:
        """End all of them."""
        for subscription in list(self.all.values()):
            subscription.close()

    # -- services

    def _terms(self, asked: ua.CreateSubscriptionParameters | ua.ModifySubscriptionParameters) -> Terms:
        """The revised terms: a lifetime is at least three keep-alives (Part 4, 5.14.2.2)."""
        interval = asked.RequestedPublishingInterval
        revised = min(max(interval if interval == interval else 0.0, self._min_interval), MAX_INTERVAL)
        keep_alive = min(asked.RequestedMaxKeepAliveCount or 10, MAX_KEEP_ALIVE)
        lifetime = min(max(asked.RequestedLifetimeCount, 3 * keep_alive), MAX_LIFETIME)
        return Terms(revised, lifetime, keep_alive, asked.MaxNotificationsPerPublish, asked.Priority)

    def _create(self, call: Call) -> ua.CreateSubscriptionResponse:
        params = call.params(ua.CreateSubscriptionParameters)
        if len(self.all) >= self._max:
            raise ServiceError(S.BadTooManySubscriptions)
        terms = self._terms(params)
        self._number += 1
        subscription = Subscription(
            self._number,
            call.owner,
            terms,
            bool(params.PublishingEnabled),
            self._table,
            self._forget,
        )
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
        check_operations(len(params.SubscriptionIds))
        response = ua.SetPublishingModeResponse()
        for number in params.SubscriptionIds:
            subscription = call.owner.subscriptions.get(number)
            if subscription is not None:
                subscription.enabled = bool(params.PublishingEnabled)
                subscription.reset_lifetime()
            known = S.Good if subscription is not None else S.BadSubscriptionIdInvalid
            response.Parameters.Results.append(ua.StatusCode(known))
        return response

    def _delete(self, call: Call) -> ua.DeleteSubscriptionsResponse:
        params = call.params(ua.DeleteSubscriptionsParameters)
        check_operations(len(params.SubscriptionIds))
        response = ua.DeleteSubscriptionsResponse()
        for number in params.SubscriptionIds:
            subscription = call.owner.subscriptions.get(number)
            if subscription is not None:
                subscription.close()
            known = S.Good if subscription is not None else S.BadSubscriptionIdInvalid
            response.Results.append(ua.StatusCode(known))
        if not call.owner.subscriptions:
            while call.owner.publish_queue:
                call.owner.publish_queue.popleft().fault(S.BadNoSubscription)
        return response

    def _publish(self, call: Call) -> None:
        """Take acknowledgements and queue the request; late subscriptions are served at once."""
        params = call.params(ua.PublishParameters)
        session = call.owner
        if not (session.subscriptions or session.farewells):
            raise ServiceError(S.BadNoSubscription)
        results = []
        for ack in params.SubscriptionAcknowledgements:
            subscription = session.subscriptions.get(ack.SubscriptionId)
            results.append(
                subscription.acknowledge(ack.SequenceNumber)
                if subscription is not None
                else int(S.BadSubscriptionIdInvalid)
            )
        hint = call.header.timeout_hint / 1000
        expires = time.monotonic() + (hint or _DEFAULT_TIMEOUT)
        request = PublishRequest(call, results, expires)
        if session.farewells:
            session.farewells.popleft()(request)
            return
        queue = session.publish_queue
        if len(queue) >= MAX_PUBLISH_REQUESTS:
            queue.popleft().fault(S.BadTooManyPublishRequests)
        queue.append(request)
        waiting = [s for s in session.subscriptions.values() if s.late]
        for subscription in sorted(waiting, key=lambda s: -s.terms.priority):
            if not queue:
                break
            subscription.publish()

    def _republish(self, call: Call) -> bytes:
        params = call.params(ua.RepublishParameters)
        subscription = self.own(call.owner, params.SubscriptionId)
        message = subscription.sent.get(params.RetransmitSequenceNumber)
        if message is None:
            raise ServiceError(S.BadMessageNotAvailable)
        return response_header(_REPUBLISH_RESPONSE, call.header.handle) + message

    def _transfer(self, call: Call) -> ua.TransferSubscriptionsResponse:
        params = call.params(ua.TransferSubscriptionsParameters)
        check_operations(len(params.SubscriptionIds))
        response = ua.TransferSubscriptionsResponse()
        response.Parameters.Results = [
            self._transfer_one(call.owner, int(number), bool(params.SendInitialValues))
            for number in params.SubscriptionIds
        ]
        return response

    def _transfer_one(self, session: Session, number: int, initial: bool) -> ua.TransferResult:
        result = ua.TransferResult()
        subscription = self.all.get(number)
        if subscription is None:
            result.StatusCode = ua.StatusCode(S.BadSubscriptionIdInvalid)
        elif subscription.session is session:
            result.StatusCode = ua.StatusCode(S.BadNothingToDo)
        elif subscription.owner != session.user or not session.user.name:
            # Part 4, 5.14.7: only the same user, and nobody can tell two anonymous ones apart.
            result.StatusCode = ua.StatusCode(S.BadUserAccessDenied)
        else:
            subscription.move_to(session)
            if initial:
                subscription.resend()
            result.AvailableSequenceNumbers = list(subscription.sent)
        return result


def _tell_terms(result: ua.CreateSubscriptionResult | ua.ModifySubscriptionResult, terms: Terms) -> None:
    result.RevisedPublishingInterval = terms.interval
    result.RevisedLifetimeCount = terms.lifetime
    result.RevisedMaxKeepAliveCount = terms.keep_alive
