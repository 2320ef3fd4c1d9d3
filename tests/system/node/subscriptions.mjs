// The Subscription and MonitoredItem service sets, request by request: Publish is sent by hand, so that
// nothing is acknowledged or asked for behind our back.

import { setTimeout as sleep } from "node:timers/promises";
import {
  AttributeIds, CallMethodRequest, CreateMonitoredItemsRequest, CreateSubscriptionRequest, DataChangeFilter,
  DataChangeTrigger, DataType, DeadbandType, DeleteMonitoredItemsRequest, DeleteSubscriptionsRequest,
  ModifyMonitoredItemsRequest, ModifySubscriptionRequest, MonitoringMode, PublishRequest, RepublishRequest,
  SetMonitoringModeRequest, SetPublishingModeRequest, SetTriggeringRequest, TimestampsToReturn,
  TransferSubscriptionsRequest,
} from "node-opcua-client";
import { ask, connected } from "./session.mjs";

const CLOCK = "ns=0;i=2258"; // CurrentTime: another value at each sample
const OVERFLOW = 0x480;

export async function run(options) {
  return await connected(options, async (session, id, _namespaces, another) => {
    const nodes = { clock: CLOCK, voltage: id(`${options.jar}.Voltage`), quarter: id(`${options.jar}.ReplacementQuarter`) };
    return {
      terms: await terms(session),
      queues: await queues(session),
      modes: await modes(session, nodes),
      filters: await filters(session, nodes),
      triggering: await triggering(session, nodes),
      messages: await messages(session, nodes),
      methods: await methods(session, nodes, another),
      transfer: await transfer(session, nodes, another),
      refused: await refused(session, nodes),
    };
  });
}

async function subscribe(session, more = {}) {
  return await ask(session, new CreateSubscriptionRequest({
    requestedPublishingInterval: 100, requestedLifetimeCount: 300, requestedMaxKeepAliveCount: 100,
    maxNotificationsPerPublish: 0, publishingEnabled: true, priority: 0, ...more,
  }));
}

async function watch(session, subscriptionId, items) {
  const response = await ask(session, new CreateMonitoredItemsRequest({
    subscriptionId, timestampsToReturn: TimestampsToReturn.Both,
    itemsToCreate: items.map(({ nodeId, attributeId, mode, ...parameters }, i) => ({
      itemToMonitor: { nodeId, attributeId: attributeId ?? AttributeIds.Value },
      monitoringMode: mode ?? MonitoringMode.Reporting,
      requestedParameters: {
        clientHandle: i + 1, samplingInterval: 100, queueSize: 1, discardOldest: true, ...parameters,
      },
    })),
  }));
  return response.fault ?? response.results;
}

async function publish(session, acknowledgements = []) {
  const response = await ask(session, new PublishRequest({ subscriptionAcknowledgements: acknowledgements }));
  if (response.fault) return response;
  const parts = response.notificationMessage.notificationData ?? [];
  return {
    response,
    sequence: response.notificationMessage.sequenceNumber,
    results: (response.results ?? []).map((each) => each.name),
    values: parts.flatMap((part) => part.monitoredItems ?? []),
  };
}

async function remove(session, ...subscriptionIds) {
  const response = await ask(session, new DeleteSubscriptionsRequest({ subscriptionIds }));
  return response.fault ?? response.results.map((each) => each.name);
}

async function terms(session) {
  const small = await subscribe(session, {
    requestedPublishingInterval: 0, requestedLifetimeCount: 1, requestedMaxKeepAliveCount: 0,
  });
  const huge = await subscribe(session, { requestedPublishingInterval: 1e12, requestedLifetimeCount: 0xffffffff });
  const modified = await ask(session, new ModifySubscriptionRequest({
    subscriptionId: small.subscriptionId, requestedPublishingInterval: 250, requestedLifetimeCount: 30,
    requestedMaxKeepAliveCount: 7, maxNotificationsPerPublish: 10, priority: 3,
  }));
  const mode = await ask(session, new SetPublishingModeRequest({
    publishingEnabled: false, subscriptionIds: [small.subscriptionId, 1],
  }));
  const gone = await remove(session, small.subscriptionId, huge.subscriptionId, 1);
  const nothing = await publish(session);
  return {
    small: [small.revisedPublishingInterval, small.revisedLifetimeCount, small.revisedMaxKeepAliveCount],
    huge: [huge.revisedPublishingInterval, huge.revisedLifetimeCount],
    modified: [modified.revisedPublishingInterval, modified.revisedLifetimeCount, modified.revisedMaxKeepAliveCount],
    mode: mode.results.map((each) => each.name), gone, nothing: nothing.fault,
  };
}

// The clock changes at each of some ten samples; a queue keeps three, and says that it lost the others.
async function queues(session) {
  const found = {};
  for (const discardOldest of [true, false]) {
    const { subscriptionId } = await subscribe(session, { publishingEnabled: false });
    const [item] = await watch(session, subscriptionId, [{ nodeId: CLOCK, queueSize: 3, discardOldest }]);
    await sleep(1000);
    await ask(session, new SetPublishingModeRequest({ publishingEnabled: true, subscriptionIds: [subscriptionId] }));
    const { values } = await publish(session);
    const times = values.slice(0, 3).map((each) => each.value.value.value.getTime());
    found[discardOldest ? "oldest" : "newest"] = {
      size: item.revisedQueueSize, order: times.every((each, i) => i === 0 || each > times[i - 1]),
      span: times[times.length - 1] - times[0],
      overflow: values.slice(0, 3).map((each) => (each.value.statusCode.value & OVERFLOW) === OVERFLOW),
    };
    await remove(session, subscriptionId);
  }
  return found;
}

async function modes(session, { clock, voltage }) {
  const { subscriptionId } = await subscribe(session);
  const items = await watch(session, subscriptionId, [
    { nodeId: clock, mode: MonitoringMode.Sampling }, { nodeId: voltage, mode: MonitoringMode.Sampling },
    { nodeId: voltage, mode: MonitoringMode.Disabled }, { nodeId: voltage },
  ]);
  await sleep(300);
  const first = await publish(session);
  const monitoredItemIds = items.map((each) => each.monitoredItemId);
  await ask(session, new SetMonitoringModeRequest({
    subscriptionId, monitoringMode: MonitoringMode.Reporting, monitoredItemIds,
  }));
  const heard = new Set();
  for (let i = 0; i < 5 && heard.size < 3; i += 1) {
    for (const each of (await publish(session)).values) if (each.clientHandle < 4) heard.add(each.clientHandle);
  }
  const gone = await ask(session, new DeleteMonitoredItemsRequest({
    subscriptionId, monitoredItemIds: [monitoredItemIds[0], 99_999],
  }));
  await remove(session, subscriptionId);
  return {
    first: first.values.map((each) => each.clientHandle), then: [...heard].sort(),
    gone: gone.results.map((each) => each.name),
  };
}

function deadband(deadbandType, deadbandValue) {
  return new DataChangeFilter({ trigger: DataChangeTrigger.StatusValue, deadbandType, deadbandValue });
}

async function filters(session, { clock, voltage, quarter }) {
  const { subscriptionId } = await subscribe(session);
  const wanted = [
    { nodeId: voltage, filter: deadband(DeadbandType.Absolute, 100) },
    { nodeId: voltage, filter: deadband(DeadbandType.Percent, 100) },
    { nodeId: voltage, filter: deadband(DeadbandType.Absolute, 0) },
    { nodeId: voltage, filter: deadband(DeadbandType.Percent, 101) },
    { nodeId: quarter, filter: deadband(DeadbandType.Absolute, 1) },
    { nodeId: clock, filter: deadband(DeadbandType.Percent, 1) },
  ];
  const results = await watch(session, subscriptionId, wanted);
  const counts = new Array(wanted.length).fill(0);
  // A voltage may read alike twice, so what passes every filter is waited for a little longer.
  const [until, latest] = [Date.now() + 3500, Date.now() + 15000];
  while (Date.now() < until || (counts[2] < 3 && Date.now() < latest)) {
    for (const each of (await publish(session)).values) counts[each.clientHandle - 1] += 1;
  }
  await remove(session, subscriptionId);
  return { results: results.map((each) => each.statusCode.name), counts };
}

async function triggering(session, { clock, voltage }) {
  const { subscriptionId } = await subscribe(session);
  const [trigger, triggered, other] = (await watch(session, subscriptionId, [
    { nodeId: clock }, { nodeId: voltage, mode: MonitoringMode.Sampling },
    { nodeId: voltage, mode: MonitoringMode.Sampling },
  ])).map((each) => each.monitoredItemId);
  const link = async (request) => {
    const response = await ask(session, new SetTriggeringRequest({ subscriptionId, triggeringItemId: trigger, ...request }));
    return response.fault ?? [response.addResults, response.removeResults].map((some) => (some ?? []).map((each) => each.name));
  };
  const added = await link({ linksToAdd: [triggered, 99_999] });
  const heard = new Set();
  for (let i = 0; i < 8; i += 1) for (const each of (await publish(session)).values) heard.add(each.clientHandle);
  const removed = await link({ linksToRemove: [triggered, other] });
  const nothing = await link({});
  const unknown = await link({ triggeringItemId: 99_999, linksToAdd: [triggered] });
  await remove(session, subscriptionId);
  return { added, heard: [...heard].sort(), removed, nothing, unknown };
}

async function messages(session, { clock }) {
  const { subscriptionId } = await subscribe(session);
  await watch(session, subscriptionId, [{ nodeId: clock }]);
  const first = await publish(session);
  const again = await ask(session, new RepublishRequest({ subscriptionId, retransmitSequenceNumber: first.sequence }));
  const acknowledged = await publish(session, [
    { subscriptionId, sequenceNumber: first.sequence }, { subscriptionId, sequenceNumber: 4_000_000 },
    { subscriptionId: 1, sequenceNumber: 1 },
  ]);
  const gone = await ask(session, new RepublishRequest({ subscriptionId, retransmitSequenceNumber: first.sequence }));
  await remove(session, subscriptionId);
  return {
    available: first.response.availableSequenceNumbers.includes(first.sequence),
    again: again.notificationMessage.sequenceNumber === first.sequence,
    results: acknowledged.results, gone: gone.fault,
  };
}

async function server(session, methodId, ...values) {
  const result = await session.call(new CallMethodRequest({
    objectId: "ns=0;i=2253", methodId,
    inputArguments: values.map((value) => ({ dataType: DataType.UInt32, value })),
  }));
  return result.statusCode.name === "Good" ? result.outputArguments.map((each) => [...each.value]) : result.statusCode.name;
}

const [GET_MONITORED_ITEMS, RESEND_DATA] = ["ns=0;i=11492", "ns=0;i=12873"];

async function methods(session, { voltage }, another) {
  const { subscriptionId } = await subscribe(session);
  const wide = { filter: deadband(DeadbandType.Absolute, 100) };
  const items = await watch(session, subscriptionId, [{ nodeId: voltage, ...wide }, { nodeId: voltage, ...wide, queueSize: 5 }]);
  const before = (await publish(session)).values.length;
  const listed = await server(session, GET_MONITORED_ITEMS, subscriptionId);
  const resent = await server(session, RESEND_DATA, subscriptionId);
  const after = (await publish(session)).values.length;
  const stranger = await another();
  const theirs = [
    await server(stranger, GET_MONITORED_ITEMS, subscriptionId), await server(stranger, RESEND_DATA, subscriptionId),
    await server(stranger, GET_MONITORED_ITEMS, 1),
  ];
  await stranger.close();
  await remove(session, subscriptionId);
  return {
    ids: JSON.stringify(listed[0]) === JSON.stringify(items.map((each) => each.monitoredItemId)), handles: listed[1],
    before, resent, after, theirs,
  };
}

async function transfer(session, { voltage }, another) {
  const { subscriptionId } = await subscribe(session);
  await watch(session, subscriptionId, [{ nodeId: voltage, filter: deadband(DeadbandType.Absolute, 100) }]);
  const first = await publish(session);
  const heir = await another();
  const move = async () => await ask(heir, new TransferSubscriptionsRequest({
    subscriptionIds: [subscriptionId, 1], sendInitialValues: true,
  }));
  const moved = await move();
  const results = moved.fault ?? moved.results.map((each) => each.statusCode.name);
  const found = { first: first.values.length, results };
  if (results[0] === "Good") {
    found.told = (await publish(session)).response.notificationMessage.notificationData[0].status.name;
    found.initial = (await publish(heir)).values.length;
    found.late = (await publish(session)).fault;
    found.removed = [await remove(session, subscriptionId), await remove(heir, subscriptionId)];
  }
  await heir.close();
  return found;
}

async function refused(session, { voltage, clock }) {
  const { subscriptionId } = await subscribe(session);
  const results = await watch(session, subscriptionId, [
    { nodeId: "ns=0;i=999999" }, { nodeId: voltage, attributeId: AttributeIds.Executable },
    { nodeId: voltage, attributeId: AttributeIds.EventNotifier },
  ]);
  const modified = await ask(session, new ModifyMonitoredItemsRequest({
    subscriptionId, timestampsToReturn: TimestampsToReturn.Both,
    itemsToModify: [{ monitoredItemId: 99_999, requestedParameters: { clientHandle: 1, queueSize: 1 } }],
  }));
  const strange = await watch(session, 1, [{ nodeId: clock }]);
  await remove(session, subscriptionId);
  return { items: results.map((each) => each.statusCode.name), modified: modified.results[0].statusCode.name, strange };
}
