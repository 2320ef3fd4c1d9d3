// The alarm client of node-opcua against one condition: from active to acknowledged, confirmed, shelved and back. Its limit is moved below and
// above the temperature that the jar has, by the method that engineers have for that.
//
// What this client has no call of its own for (shelving, suppressing, comments) is called as any method is. Its
// list of alarms keeps one entry a condition, so branches are watched beside it.

import { setTimeout as sleep } from "node:timers/promises";
import {
  AttributeIds,
  ClientSubscription,
  ContentFilter,
  DataType,
  FilterOperator,
  LiteralOperand,
  SimpleAttributeOperand,
  TimestampsToReturn,
  VariantArrayType,
  acknowledgeCondition,
  callConditionRefresh,
  constructEventFilter,
  extractConditionFields,
  installAlarmMonitoring,
  ofType,
  resolveNodeId,
  uninstallAlarmMonitoring,
} from "node-opcua-client";
import { asUser } from "./session.mjs";

const FIELDS = [
  "EventId", "EventType", "SourceName", "Message", "Severity", "Retain", "BranchId", "Comment", "ClientUserId",
  "ActiveState.Id", "AckedState.Id", "ConfirmedState.Id", "SuppressedState.Id", "SuppressedOrShelved",
  "ShelvingState.CurrentState", "HighLimit",
];
const METHODS = {
  AddComment: "i=9029", TimedShelve: "i=2949", OneShotShelve: "i=2948", Unshelve: "i=2947",
  Suppress: "i=16403", Unsuppress: "i=17868",
};

export async function run(options) {
  return await asUser(options, async (session, id, { types }) => {
    const condition = id(`${options.jar}#TemperatureHigh`);
    const seen = { fields: await extractConditionFields(session, "AlarmConditionType") };
    seen.own = await extractConditionFields(session, condition);
    const watched = await watch(session, id, types, condition);
    const list = await installAlarmMonitoring(session);
    const limit = (value) => configure(session, id, options.jar, value);
    try {
      seen.configured = await limit(5);
      seen.active = await told(watched.all, (event) => event["ActiveState.Id"]);
      seen.listed = await operate(session, list, condition);
      seen.confirmed = await told(watched.all, (event) => event["ConfirmedState.Id"] && event["AckedState.Id"]);
      seen.comment = await commented(session, condition, watched.all);
      seen.shelving = await shelve(session, condition, watched.all);
      seen.suppressing = await suppress(session, condition, watched.all);
      seen.branch = await branch(session, condition, watched, limit);
      seen.filtered = watched.filters();
      return seen;
    } finally {
      await call(session, id("Alarms"), id("Alarms.ResetConfiguration"), [string(""), string("")]);
      await uninstallAlarmMonitoring(session);
      await watched.subscription.terminate();
    }
  });
}

// -- what the client's alarm list does

async function operate(session, list, condition) {
  const alarm = await until(() => list.alarms().find((each) => each.conditionId.toString() === condition));
  const before = states(alarm);
  const refused = (await alarm.confirm(session, "too early")).name;
  const acknowledged = (await alarm.acknowledge(session, "seen by node-opcua")).name;
  await until(() => states(alarm).acked);
  const between = states(alarm);
  const confirmed = (await alarm.confirm(session, "done by node-opcua")).name;
  await until(() => states(alarm).confirmed);
  return { before, refused, acknowledged, between, confirmed, after: states(alarm), comment: alarm.fields.comment.value.text };
}

function states(alarm) {
  const { activeState, ackedState, confirmedState } = alarm.fields;
  return { active: activeState.id.value, acked: ackedState.id.value, confirmed: confirmedState.id.value, retain: alarm.getRetain() };
}

// -- what is called as a method

async function commented(session, condition, heard) {
  const text = { dataType: DataType.LocalizedText, value: { text: "fan ordered" } };
  const eventId = { dataType: DataType.ByteString, value: heard.at(-1).eventId };
  const status = await call(session, condition, METHODS.AddComment, [eventId, text]);
  const wrong = await call(session, condition, METHODS.AddComment, [{ ...eventId, value: Buffer.from("none") }, text]);
  return { status, wrong, event: await told(heard, (event) => event.Comment === "fan ordered") };
}

async function shelve(session, condition, heard) {
  const shelf = `${condition}.ShelvingState`;
  const read = async (name) => (await session.read({ nodeId: `${shelf}.${name}`, attributeId: AttributeIds.Value })).value.value;
  const state = async () => (await read("CurrentState")).text;
  const timed = await call(session, shelf, METHODS.TimedShelve, [double(60_000)]);
  const event = await told(heard, (each) => each.SuppressedOrShelved);
  const during = { state: await state(), left: await read("UnshelveTime") };
  const again = await call(session, shelf, METHODS.TimedShelve, [double(60_000)]);
  const unshelved = await call(session, shelf, METHODS.Unshelve, []);
  const free = await told(heard, (each) => !each.SuppressedOrShelved);
  const tooLong = await call(session, shelf, METHODS.TimedShelve, [double(1e15)]);
  const twice = await call(session, shelf, METHODS.Unshelve, []);
  // On the condition itself, which is allowed too (Part 9, 5.8.17).
  const oneShot = await call(session, condition, METHODS.OneShotShelve, []);
  const once = await state();
  const last = await call(session, condition, METHODS.Unshelve, []);
  await told(heard, (each) => !each.SuppressedOrShelved);
  return { timed, event, during, again, tooLong, unshelved, free, twice, oneShot, once, last };
}

async function suppress(session, condition, heard) {
  const status = await call(session, condition, METHODS.Suppress, []);
  const event = await told(heard, (each) => each["SuppressedState.Id"]);
  const back = await call(session, condition, METHODS.Unsuppress, []);
  return { status, event, back, after: await told(heard, (each) => !each["SuppressedState.Id"]) };
}

// Inactive, then active and inactive without acknowledgement, then active once more: what was is a branch.
async function branch(session, condition, watched, limit) {
  const heard = watched.all;
  const [over, under] = [(event) => event["ActiveState.Id"], (event) => !event["ActiveState.Id"]];
  for (const [value, wanted] of [[60, under], [5, over], [60, under]]) {
    await limit(value);
    await told(heard, wanted);
  }
  const from = heard.length;
  await limit(5);
  const event = await until(() => heard.slice(from).find((each) => each.BranchId !== "ns=0;i=0"));
  await told(heard, (each) => over(each) && each.BranchId === "ns=0;i=0");
  const refreshed = await refresh(session, watched, condition);
  const status = (await acknowledgeCondition(session, condition, event.eventId, "the earlier one")).name;
  const ended = await until(() => heard.findLast((each) => each.BranchId === event.BranchId && each["AckedState.Id"]));
  return { event, refreshed, status, ended };
}

async function refresh(session, { raw, subscription }, condition) {
  const from = raw.length;
  const [first, last] = ["RefreshStartEventType", "RefreshEndEventType"].map((name) => resolveNodeId(name).toString());
  const status = (await callConditionRefresh(session, subscription.subscriptionId)).name;
  const all = () => raw.slice(from).filter((each) => each.handle === "all");
  await until(() => all().some((each) => each.EventType === last));
  const told = all();
  const mine = told.filter((each) => each.condition === condition);
  return {
    status,
    brackets: [told[0].EventType === first, told.at(-1).EventType === last],
    branches: mine.map((each) => each.BranchId !== "ns=0;i=0"),
    retained: told.slice(1, -1).every((each) => each.Retain),
  };
}

// -- listening

async function watch(session, id, types, condition) {
  const subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: 100, requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 10, publishingEnabled: true,
  });
  const raw = [], all = [];
  const filters = {
    all: undefined,
    level: ofType("ExclusiveLevelAlarmType"),
    supertype: ofType("LimitAlarmType"),
    offNormal: ofType("OffNormalAlarmType"),
    severe: atLeast(900),
    jars: relatedTo(`ns=${types};s=JarType`),
    strings: relatedTo(`ns=${types};s=StringType`),
  };
  const refused = {};
  for (const [handle, where] of Object.entries(filters)) {
    const filter = constructEventFilter(FIELDS, where);
    filter.selectClauses.push(new SimpleAttributeOperand({
      attributeId: AttributeIds.NodeId, browsePath: [], typeDefinitionId: resolveNodeId("ConditionType"),
    }));
    const parameters = { samplingInterval: 0, discardOldest: true, queueSize: 1000, filter };
    const what = { nodeId: id("Bangrak"), attributeId: AttributeIds.EventNotifier };
    const item = await subscription.monitor(what, parameters, TimestampsToReturn.Neither);
    refused[handle] = item.statusCode.isNotGood();
    item.on("changed", (fields) => {
      const event = { handle, ...eventOf(fields) };
      raw.push(event);
      if (handle === "all" && event.condition === condition) all.push(event);
    });
  }
  const counts = () => Object.fromEntries(Object.keys(filters).map((handle) => [
    handle, new Set(raw.filter((each) => each.handle === handle && each.condition).map((each) => each.hex)).size,
  ]));
  return { subscription, raw, all, filters: () => ({ refused, counts: counts() }) };
}

function atLeast(severity) {
  const field = new SimpleAttributeOperand({
    attributeId: AttributeIds.Value, browsePath: [{ name: "Severity" }], typeDefinitionId: resolveNodeId("BaseEventType"),
  });
  const value = new LiteralOperand({ value: { dataType: DataType.UInt16, value: severity } });
  return new ContentFilter({ elements: [{ filterOperator: FilterOperator.GreaterThanOrEqual, filterOperands: [field, value] }] });
}

// Sources of a type that have a condition.
function relatedTo(type) {
  const node = (value) => new LiteralOperand({ value: { dataType: DataType.NodeId, value: resolveNodeId(value) } });
  const flag = new LiteralOperand({ value: { dataType: DataType.Boolean, value: true } });
  const hops = new LiteralOperand({ value: { dataType: DataType.Int32, value: 1 } });
  const filterOperands = [node(type), node("AlarmConditionType"), node("HasCondition"), hops, flag, flag];
  return new ContentFilter({ elements: [{ filterOperator: FilterOperator.RelatedTo, filterOperands }] });
}

function eventOf(fields) {
  const named = Object.fromEntries(FIELDS.map((name, i) => [name, plain(fields[i].value)]));
  const eventId = fields[0].value;
  return { ...named, eventId, hex: eventId?.toString("hex"), condition: fields.at(-1).value?.toString() };
}

function plain(value) {
  if (value?.text !== undefined) return value.text;
  if (value?.namespace !== undefined && value?.identifierType !== undefined) return value.toString();
  return value instanceof Buffer ? value.toString("hex") : value;
}

// The latest event of the condition, once it is as wanted.
async function told(heard, wanted) {
  return await until(() => (heard.length && wanted(heard.at(-1)) ? heard.at(-1) : undefined));
}

async function until(found, seconds = 15) {
  for (let waited = 0; waited < seconds; waited += 0.05) {
    const value = found();
    if (value) return value;
    await sleep(50);
  }
  throw new Error(`waited in vain for ${found}`);
}

// -- calling

async function configure(session, id, jar, value) {
  const names = { dataType: DataType.String, arrayType: VariantArrayType.Array, value: ["HighLimit"] };
  const values = { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [value] };
  const given = [string("TemperatureHigh"), string(jar), names, values];
  return await call(session, id("Alarms"), id("Alarms.Configure"), given);
}

async function call(session, objectId, methodId, inputArguments) {
  return (await session.call({ objectId, methodId, inputArguments })).statusCode.name;
}

const string = (value) => ({ dataType: DataType.String, value });
const double = (value) => ({ dataType: DataType.Double, value });
