// A scenario makes a condition active: its event arrives at the site, is acknowledged, is refreshed, and stands
// in the site's journal.

import { setTimeout as sleep } from "node:timers/promises";
import {
  AttributeIds,
  ClientSubscription,
  DataType,
  HistoryReadRequest,
  ReadEventDetails,
  SimpleAttributeOperand,
  TimestampsToReturn,
  VariantArrayType,
  acknowledgeCondition,
  callConditionRefresh,
  constructEventFilter,
  ofType,
  resolveNodeId,
} from "node-opcua-client";
import { ask, asUser, variantOf } from "./session.mjs";

const FIELDS = [
  "EventId", "EventType", "SourceNode", "SourceName", "Time", "Message", "Severity", "ConditionName",
  "Retain", "Comment", "ClientUserId", "ActiveState.Id", "AckedState.Id", "LimitState.CurrentState",
];

export async function run(options) {
  return await asUser(options, async (session, id) => {
    const begun = new Date(Date.now() - 60_000);
    const { heard, subscription } = await events(session, id(options.site));
    const [simulation] = await call(session, id, "Start", [
      string(options.scenario), string(options.target), double(0),
      strings(Object.keys(options.parameters)), doubles(Object.values(options.parameters)),
    ]);
    const mine = (event) => event.ConditionName === options.condition && event.SourceNode.includes(options.source);
    try {
      const listed = await call(session, id, "List", []);
      const active = await first(heard, options.seconds, (event) => mine(event) && event["ActiveState.Id"]);
      const acknowledged = active && (await acknowledge(session, heard, active));
      const live = [...heard];
      const journal = active && (await journalOf(session, id(options.site), begun, live));
      const refreshed = active && (await refresh(session, heard, subscription, mine));
      return { simulation, listed, active, acknowledged, refreshed, live, journal, sources: [...new Set(heard.map((e) => e.SourceNode))] };
    } finally {
      await call(session, id, "Stop", [string(simulation)]);
      await subscription.terminate();
    }
  });
}

async function acknowledge(session, heard, event) {
  const { ConditionId, EventId } = event;
  const bogus = await acknowledgeCondition(session, ConditionId, Buffer.from("no such event"), "");
  const status = await acknowledgeCondition(session, ConditionId, EventId, "seen by node-opcua");
  const again = await acknowledgeCondition(session, ConditionId, EventId, "twice");
  const told = await first(heard, 10, (each) => each.ConditionId === ConditionId && each["AckedState.Id"]);
  return { status: status.name, again: again.name, bogus: bogus.name, event: told };
}

async function refresh(session, heard, subscription, mine) {
  const from = heard.length;
  const brackets = ["RefreshStartEventType", "RefreshEndEventType"].map((name) => resolveNodeId(name).toString());
  const status = await callConditionRefresh(session, subscription.subscriptionId);
  await first(heard, 10, (event) => event.EventType === brackets[1], from);
  const during = heard.slice(from).map((event) => event.EventType);
  return {
    status: status.name,
    brackets: [during[0] === brackets[0], during.at(-1) === brackets[1]],
    mine: heard.slice(from).filter(mine).length,
  };
}

// The same events from the history of the node, two at a time, once the last of them is written.
async function journalOf(session, nodeId, startTime, live) {
  const known = new Set(live.map((event) => event.EventId.toString("hex")));
  const filter = chosen();
  const details = new ReadEventDetails({ startTime, endTime: new Date("2100-01-01"), numValuesPerNode: 2, filter });
  for (let attempt = 0; ; attempt += 1) {
    const found = [];
    let continuationPoint;
    do {
      const { results: [page] } = await ask(session, new HistoryReadRequest({
        historyReadDetails: details,
        nodesToRead: [{ nodeId, continuationPoint }],
        timestampsToReturn: TimestampsToReturn.Source,
        releaseContinuationPoints: false,
      }));
      if (page.statusCode.isNotGood() && page.statusCode.name !== "GoodNoData") return page.statusCode.name;
      found.push(...(page.historyData?.events ?? []).map((each) => eventOf(each.eventFields)));
      continuationPoint = page.continuationPoint?.length ? page.continuationPoint : undefined;
    } while (continuationPoint);
    const mine = found.filter((event) => known.has(event.EventId.toString("hex")));
    if (mine.length === live.length || attempt === 20) return mine;
    await sleep(200);
  }
}

function chosen() {
  const filter = constructEventFilter(FIELDS);
  filter.selectClauses.push(new SimpleAttributeOperand({
    attributeId: AttributeIds.NodeId, browsePath: [], typeDefinitionId: resolveNodeId("ConditionType"),
  }));
  return filter;
}

async function events(session, nodeId) {
  const subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: 250, requestedLifetimeCount: 100, requestedMaxKeepAliveCount: 10, publishingEnabled: true,
  });
  const parameters = { samplingInterval: 0, discardOldest: true, queueSize: 10000, filter: chosen() };
  const item = await subscription.monitor({ nodeId, attributeId: AttributeIds.EventNotifier }, parameters, TimestampsToReturn.Neither);
  const heard = [];
  item.on("changed", (fields) => heard.push(eventOf(fields)));
  return { heard, subscription };
}

function eventOf(fields) {
  const event = Object.fromEntries(FIELDS.map((name, i) => [name, plain(fields[i].value)]));
  return { ...event, ConditionId: plain(fields.at(-1).value) };
}

function plain(value) {
  if (value?.text !== undefined) return value.text;
  if (value?.namespace !== undefined && value?.identifierType !== undefined) return value.toString();
  return variantOf(value);
}

async function first(heard, seconds, wanted, from = 0) {
  for (let waited = 0; waited < seconds; waited += 0.05) {
    const found = heard.slice(from).find(wanted);
    if (found) return found;
    await sleep(50);
  }
  return null;
}

async function call(session, id, name, inputArguments) {
  const answer = await session.call({ objectId: id("Simulation"), methodId: id(`Simulation.${name}`), inputArguments });
  if (answer.statusCode.isNotGood()) throw new Error(`${name}: ${answer.statusCode.toString()}`);
  return answer.outputArguments.map((each) => each.value);
}

const string = (value) => ({ dataType: DataType.String, value });
const double = (value) => ({ dataType: DataType.Double, value });
const strings = (value) => ({ dataType: DataType.String, arrayType: VariantArrayType.Array, value });
const doubles = (value) => ({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value });
