"""Probes of holes around subscriptions, monitored items and events; each asserts what a server must do."""

from __future__ import annotations

import asyncio
from typing import Any

from asyncua import Client, ua
from holetargets import Target, call, code_of
from opcuaserver import answer, request
from opcuasubscriber import Subscriber, change, item, select

S = ua.StatusCodes
Ids = ua.ObjectIds
EVENTS = ua.AttributeIds.EventNotifier
OVERFLOW = 0x480
SAMPLING = 1
SOON = 1.5  # s


async def watching(client: Client, target: Target, interval: float = 50.0, **how: Any) -> Subscriber:
    """A subscription with one item of the number, of which the first value was 4."""
    await target.put(4.0)
    made = await Subscriber.create(client, RequestedPublishingInterval=interval)
    (result,) = await made.monitor(item(target.number, **how))
    assert result.StatusCode.is_good()
    return made


async def soon(made: Subscriber) -> list[Any] | None:
    """The notifications of the next message; None when there is none for a while."""
    try:
        async with asyncio.timeout(SOON):
            return await made.next()
    except TimeoutError:
        return None


def numbers(parts: list[Any] | None) -> list[float]:
    """The values of data changes."""
    return [each.Value.Value.Value for part in parts or [] for each in part.MonitoredItems]


async def another_session_cannot_delete_a_subscription(target: Target) -> None:
    async with target.server.client() as owner, target.server.client() as other:
        made = await Subscriber.create(owner)
        response = await other.uaclient.delete_subscriptions([made.id])
        assert [code.value for code in response] == [S.BadSubscriptionIdInvalid]


async def somebody_else_cannot_transfer_a_subscription(target: Target) -> None:
    async with target.user() as owner, target.server.client() as other:
        made = await Subscriber.create(owner)
        sent = request(ua.TransferSubscriptionsRequest, SubscriptionIds=[made.id], SendInitialValues=True)
        (result,) = (await answer(other, ua.TransferSubscriptionsResponse, sent)).Parameters.Results
        assert result.StatusCode.value == S.BadUserAccessDenied


async def a_transferred_subscription_reaches_its_new_session(target: Target) -> None:
    async with target.user() as old, target.user() as new:
        made = await watching(old, target)
        assert await soon(made)
        sent = request(ua.TransferSubscriptionsRequest, SubscriptionIds=[made.id], SendInitialValues=True)
        (result,) = (await answer(new, ua.TransferSubscriptionsResponse, sent)).Parameters.Results
        assert result.StatusCode.is_good()
        assert numbers(await soon(Subscriber(new, made.id, None))) == [4.0]


async def a_subscription_can_be_modified(target: Target) -> None:
    async with target.server.client() as client:
        made = await Subscriber.create(client)
        sent = request(
            ua.ModifySubscriptionRequest,
            SubscriptionId=made.id,
            RequestedPublishingInterval=500.0,
            RequestedLifetimeCount=300,
            RequestedMaxKeepAliveCount=20,
        )
        revised = (await answer(client, ua.ModifySubscriptionResponse, sent)).Parameters
        assert (revised.RevisedPublishingInterval, revised.RevisedMaxKeepAliveCount) == (500.0, 20)


async def the_publishing_interval_has_a_lower_bound(target: Target) -> None:
    async with target.server.client() as client:
        made = await Subscriber.create(client, RequestedPublishingInterval=0.5)
        assert made.revised.RevisedPublishingInterval >= 10


async def a_message_can_be_had_again_until_it_is_acknowledged(target: Target) -> None:
    async with target.server.client() as client:
        made = await watching(client, target)
        first = (await made.publish(acknowledge=False)).NotificationMessage
        assert first.NotificationData
        sent = request(
            ua.RepublishRequest, SubscriptionId=made.id, RetransmitSequenceNumber=first.SequenceNumber
        )
        for _ in range(2):
            again = (await answer(client, ua.RepublishResponse, sent)).NotificationMessage
            assert again.SequenceNumber == first.SequenceNumber
            assert len(again.NotificationData) == len(first.NotificationData)


async def a_queue_that_overflows_says_so(target: Target) -> None:
    async with target.server.client() as client:
        made = await watching(client, target, 500.0, queue=2)
        assert await soon(made)
        for value in (5.0, 6.0, 7.0, 8.0):
            await target.put(value)
        parts = await soon(made)
        assert numbers(parts) == [7.0, 8.0]
        codes = [each.Value.StatusCode.value for part in parts or [] for each in part.MonitoredItems]
        assert codes == [OVERFLOW, 0]


async def the_oldest_is_kept_when_the_newest_is_to_be_discarded(target: Target) -> None:
    async with target.server.client() as client:
        made = await watching(client, target, 500.0, queue=3, discard_oldest=False)
        assert await soon(made)
        for value in (5.0, 6.0, 7.0, 8.0):
            await target.put(value)
        assert numbers(await soon(made)) == [5.0, 6.0, 8.0]


async def triggering_can_be_set(target: Target) -> None:
    async with target.server.client() as client:
        made = await Subscriber.create(client)
        both = [item(target.number), item(target.others[0], mode=SAMPLING)]
        ids = [result.MonitoredItemId for result in await made.monitor(*both)]
        sent = request(
            ua.SetTriggeringRequest, SubscriptionId=made.id, TriggeringItemId=ids[0], LinksToAdd=[ids[1]]
        )
        try:
            response = await answer(client, ua.SetTriggeringResponse, sent)
        except ua.UaStatusCodeError as error:
            raise AssertionError("no such service") from error
        assert [code.value for code in response.Parameters.AddResults] == [0]


async def an_item_that_only_samples_reports_nothing(target: Target) -> None:
    async with target.server.client() as client:
        made = await watching(client, target, mode=SAMPLING)
        await target.put(9.0)
        assert await soon(made) is None


async def the_sampling_interval_is_revised(target: Target) -> None:
    async with target.server.client() as client:
        made = await Subscriber.create(client)
        asked = [5000.0, 60_000.0]
        clock = ua.NodeId(Ids.Server_ServerStatus_CurrentTime)
        results = await made.monitor(*(item(clock, sampling=each) for each in asked))
        assert [result.RevisedSamplingInterval for result in results] == asked


async def a_message_holds_no_more_than_was_agreed(target: Target) -> None:
    async with target.server.client() as client:
        made = await Subscriber.create(client, MaxNotificationsPerPublish=2)
        await made.monitor(*(item(node_id) for node_id in target.others[:5]))
        response = await made.publish()
        (part,) = response.NotificationMessage.NotificationData
        assert len(part.MonitoredItems) == 2
        assert response.MoreNotifications


async def thirty_publish_requests_may_wait(target: Target) -> None:
    async with target.server.client() as client:
        await Subscriber.create(client, RequestedPublishingInterval=1000.0)
        asked = [
            asyncio.ensure_future(answer(client, ua.PublishResponse, request(ua.PublishRequest)))
            for _ in range(30)
        ]
        await asyncio.sleep(0.4)
        refused = [each for each in asked if each.done() and each.exception() is not None]
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert not refused


async def a_deadband_counts_from_the_last_reported_value(target: Target) -> None:
    async with target.server.client() as client:
        made = await watching(client, target, queue=10, chosen=change(kind=1, value=1.0))
        assert await soon(made)
        for value in (4.6, 5.2):
            await target.put(value)
            await asyncio.sleep(0.1)
        assert numbers(await soon(made)) == [5.2]


async def a_percent_deadband_holds_back(target: Target) -> None:
    async with target.server.client() as client:
        made = await watching(client, target, queue=10, chosen=change(kind=2, value=10.0))
        assert await soon(made)
        for value in (5.0, 7.0):
            await target.put(value)
            await asyncio.sleep(0.1)
        assert numbers(await soon(made)) == [7.0]


# -- events


async def told(target: Target, node_id: ua.NodeId, chosen: ua.EventFilter) -> bool:
    """Whether an event reaches a subscriber of a notifier."""
    async with target.server.client() as client:
        made = await Subscriber.create(client)
        (result,) = await made.monitor(item(node_id, attribute=EVENTS, chosen=chosen, queue=10))
        assert result.StatusCode.is_good()
        await target.fire()
        return bool(await soon(made))


def where(operator: ua.FilterOperator, *operands: Any) -> ua.EventFilter:
    """A filter of one element."""
    chosen = select("SourceName")
    element = ua.ContentFilterElement()
    element.FilterOperator = operator
    element.FilterOperands = list(operands)
    chosen.WhereClause.Elements = [element]
    return chosen


async def an_event_reaches_the_notifiers_above_it(target: Target) -> None:
    assert await told(target, target.above, select("SourceName"))


async def of_type_means_subtypes_too(target: Target) -> None:
    wanted = ua.LiteralOperand(ua.Variant(target.event_type, ua.VariantType.NodeId))
    assert await told(target, ua.NodeId(Ids.Server), where(ua.FilterOperator.OfType, wanted))


async def like_finds_a_pattern(target: Target) -> None:
    name = ua.SimpleAttributeOperand(
        ua.NodeId(Ids.BaseEventType), [ua.QualifiedName("SourceName")], ua.AttributeIds.Value
    )
    pattern = ua.LiteralOperand(ua.Variant("%", ua.VariantType.String))
    assert await told(target, ua.NodeId(Ids.Server), where(ua.FilterOperator.Like, name, pattern))


async def a_select_clause_of_no_field_is_told_so(target: Target) -> None:
    async with target.server.client() as client:
        made = await Subscriber.create(client)
        chosen = select("SourceName", "NoSuchField")
        (result,) = await made.monitor(item(ua.NodeId(Ids.Server), attribute=EVENTS, chosen=chosen))
        told_so = result.FilterResult
        assert isinstance(told_so, ua.EventFilterResult)
        good, bad = told_so.SelectClauseResults
        assert good.is_good()
        assert not bad.is_good()


async def conditions_can_be_refreshed(target: Target) -> None:
    async with target.server.client() as client:
        made = await Subscriber.create(client)
        await made.monitor(
            item(ua.NodeId(Ids.Server), attribute=EVENTS, chosen=select("EventType"), queue=100)
        )
        method = ua.NodeId(Ids.ConditionType), ua.NodeId(Ids.ConditionType_ConditionRefresh)
        result = await call(client, method, ua.Variant(made.id, ua.VariantType.UInt32))
        assert result.StatusCode.is_good()
        kinds = [event.EventFields[0].Value for part in await soon(made) or [] for event in part.Events]
        assert kinds[:1] == [ua.NodeId(Ids.RefreshStartEventType)]
        assert kinds[-1:] == [ua.NodeId(Ids.RefreshEndEventType)]


async def conditions_can_be_acknowledged(target: Target) -> None:
    async with target.user() as client:
        method = target.condition, ua.NodeId(Ids.AcknowledgeableConditionType_Acknowledge)
        event_id = ua.Variant(b"x" * 16, ua.VariantType.ByteString)
        comment = ua.Variant(ua.LocalizedText("seen"), ua.VariantType.LocalizedText)
        result = await call(client, method, event_id, comment)
        assert result.StatusCode.value == S.BadEventIdUnknown


async def nobody_publishes_without_a_subscription(target: Target) -> None:
    """Whatever subscriptions others have."""
    async with target.server.client() as other, target.server.client() as client:
        await Subscriber.create(other)
        asked = answer(client, ua.PublishResponse, request(ua.PublishRequest))
        try:
            async with asyncio.timeout(SOON):
                code = await code_of(asked)
        except TimeoutError:
            raise AssertionError("it is queued") from None
        assert code == S.BadNoSubscription


PROBES = [
    another_session_cannot_delete_a_subscription,
    somebody_else_cannot_transfer_a_subscription,
    a_transferred_subscription_reaches_its_new_session,
    a_subscription_can_be_modified,
    the_publishing_interval_has_a_lower_bound,
    a_message_can_be_had_again_until_it_is_acknowledged,
    a_queue_that_overflows_says_so,
    the_oldest_is_kept_when_the_newest_is_to_be_discarded,
    triggering_can_be_set,
    an_item_that_only_samples_reports_nothing,
    the_sampling_interval_is_revised,
    a_message_holds_no_more_than_was_agreed,
    thirty_publish_requests_may_wait,
    a_deadband_counts_from_the_last_reported_value,
    a_percent_deadband_holds_back,
    an_event_reaches_the_notifiers_above_it,
    of_type_means_subtypes_too,
    like_finds_a_pattern,
    a_select_clause_of_no_field_is_told_so,
    conditions_can_be_refreshed,
    conditions_can_be_acknowledged,
    nobody_publishes_without_a_subscription,
]
