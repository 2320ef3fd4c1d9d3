// What the Server object says: status, capabilities, namespaces, diagnostics; and who may see it.

import { AttributeIds, BrowseDirection, DataType } from "node-opcua-client";
import { connected } from "./session.mjs";

const SUMMARY = "ns=0;i=2275";
const SESSIONS = "ns=0;i=3706"; // SessionsDiagnosticsSummary
const NODES = {
  serviceLevel: "ns=0;i=2267", state: "ns=0;i=2259", auditing: "ns=0;i=2994", profiles: "ns=0;i=2269",
  browsePoints: "ns=0;i=2735", perRead: "ns=0;i=11705", perBrowse: "ns=0;i=11710", perCall: "ns=0;i=11709",
  enabled: "ns=0;i=2294", redundancy: "ns=0;i=3709", namespaces: "ns=0;i=2255",
};

export async function run(options) {
  return await connected(options, async (session) => ({
    values: await values(session),
    namespaces: await namespaces(session),
    summary: await summary(session),
    sessions: await sessions(session),
    flag: await flag(session),
  }));
}

async function values(session) {
  const read = await session.read(Object.values(NODES).map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })));
  return Object.fromEntries(Object.keys(NODES).map((name, i) => [
    name, read[i].statusCode.isGood() ? read[i].value.value : read[i].statusCode.name,
  ]));
}

async function children(session, nodeId, referenceTypeId = "HierarchicalReferences") {
  const { references } = await session.browse({
    nodeId, referenceTypeId, browseDirection: BrowseDirection.Forward, includeSubtypes: true, resultMask: 63,
  });
  return references ?? [];
}

async function namespaces(session) {
  const found = {};
  for (const each of await children(session, "ns=0;i=11715", "HasComponent")) {
    if (each.browseName.name === "AddressSpaceFile") continue;
    const properties = await children(session, each.nodeId, "HasProperty");
    const uri = properties.find((property) => property.browseName.name === "NamespaceUri");
    found[each.browseName.name] = (await session.read({ nodeId: uri.nodeId, attributeId: AttributeIds.Value })).value.value;
  }
  return found;
}

async function summary(session) {
  const read = async () => (await session.read({ nodeId: SUMMARY, attributeId: AttributeIds.Value })).value.value;
  const before = await read();
  const { subscriptionId } = await session.createSubscription({
    requestedPublishingInterval: 1000, requestedLifetimeCount: 100, requestedMaxKeepAliveCount: 10,
    publishingEnabled: true, maxNotificationsPerPublish: 0, priority: 0,
  });
  const after = await read();
  await session.deleteSubscriptions({ subscriptionIds: [subscriptionId] });
  return {
    sessions: before.currentSessionCount >= 1 && before.cumulatedSessionCount >= before.currentSessionCount,
    more: after.currentSubscriptionCount - before.currentSubscriptionCount,
    cumulated: after.cumulatedSubscriptionCount - before.cumulatedSubscriptionCount,
  };
}

async function sessions(session) {
  const array = (await children(session, SESSIONS)).find((each) => each.browseName.name === "SessionDiagnosticsArray");
  const read = await session.read({ nodeId: array.nodeId, attributeId: AttributeIds.Value });
  if (!read.value.value) return read.statusCode.name;
  const own = read.value.value.find((each) => each.sessionId.toString() === session.sessionId.toString());
  return { name: own.sessionName, reads: own.readCount.totalCount >= 1, requests: own.totalRequestCount.totalCount >= 2 };
}

async function flag(session) {
  const write = async (value) => (await session.write({
    nodeId: NODES.enabled, attributeId: AttributeIds.Value,
    value: { value: { dataType: DataType.Boolean, value } },
  })).name;
  return [await write(true), await write(true)];
}
