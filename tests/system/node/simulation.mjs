// A simulation as another client sees it: marks, state, events, the sixth refused in words, and its end.

import { setTimeout as sleep } from "node:timers/promises";
import {
  AttributeIds,
  CallRequest,
  ClientMonitoredItemGroup,
  ClientSubscription,
  DataType,
  TimestampsToReturn,
  Variant,
  VariantArrayType,
  constructEventFilter,
} from "node-opcua-client";
import { ask, asUser, variantOf } from "./session.mjs";

const ADDITIONAL_INFO = 0x80; // of operations, in ReturnDiagnostics

export async function run(options) {
  return await asUser(options, async (session, id, { types }) => {
    const subscription = ClientSubscription.create(session, {
      requestedPublishingInterval: 100, requestedLifetimeCount: 600, requestedMaxKeepAliveCount: 20, publishingEnabled: true,
    });
    const heard = await events(subscription, id("Fleet"), types);
    const values = await variables(subscription, id, options);
    const start = (target, rise) => ({
      objectId: id("Simulation"), methodId: id("Simulation.Start"),
      inputArguments: [
        text("TemperatureSpike"), text(target), new Variant({ dataType: DataType.Double, value: 0 }),
        array(DataType.String, ["Rise"]), array(DataType.Double, [rise]),
      ],
    });
    const stop = (simulation) => session.call({
      objectId: id("Simulation"), methodId: id("Simulation.Stop"), inputArguments: [text(simulation)],
    });
    await until(() => values.other?.status === "Good" && values.temperature?.status === "Good");
    const before = { ...values };
    const [hot] = (await session.call(start(options.jar, 18))).outputArguments.map((each) => each.value);
    await until(() => alarm(heard, true) && values.temperature.status !== "Good" && values.ids.value.length === 1);
    const during = { ...values, state: await state(session, id) };
    const others = [];
    for (const target of options.others) {
      others.push((await session.call(start(target, 1))).outputArguments[0].value);
    }
    const sixth = await ask(session, new CallRequest({
      requestHeader: { returnDiagnostics: ADDITIONAL_INFO }, methodsToCall: [start(options.otherJar, 1)],
    }));
    const began = performance.now();
    const stopped = await stop(hot);
    await until(() => alarm(heard, false) && values.temperature.status === "Good");
    const seconds = (performance.now() - began) / 1000;
    for (const simulation of others) await stop(simulation);
    await until(() => heard.filter((event) => event.kind === "Stopped").length === 1 + others.length);
    await subscription.terminate();
    return {
      simulation: hot, before, during, seconds, heard, stopped: stopped.statusCode.name,
      after: { ...values, state: await state(session, id) },
      sixth: { status: sixth.results[0].statusCode.name, text: sixth.diagnosticInfos[0]?.additionalInfo },
    };
  });
}

async function events(subscription, nodeId, types) {
  const own = ["SimulationId", "Scenario", "Target", "User"];
  const names = ["EventType", "SourceName", "Message", "Retain", "ActiveState.Id", "ConditionSubClassId"];
  const filter = constructEventFilter([...names, ...own.map((name) => `${types}:${name}`)]);
  const parameters = { samplingInterval: 0, discardOldest: true, queueSize: 10000, filter };
  const item = await subscription.monitor({ nodeId, attributeId: AttributeIds.EventNotifier }, parameters, TimestampsToReturn.Neither);
  const heard = [];
  item.on("changed", (fields) => {
    const [type, source, message, retain, active, classes, ...rest] = fields.map((each) => each.value);
    const kind = /Simulation(Started|Stopped)EventType/.exec(type.toString())?.[1] ?? "Condition";
    heard.push({ kind, source, message: message.text, retain, active, classes: classes?.map(String) ?? null, own: rest });
  });
  return heard;
}

// The latest value of some variables, by name.
async function variables(subscription, id, options) {
  const nodes = {
    ids: "Simulation.SimulationIds", temperature: `${options.jar}.Temperature`, other: `${options.otherJar}.Temperature`,
  };
  const latest = {};
  const group = ClientMonitoredItemGroup.create(
    subscription,
    Object.values(nodes).map((each) => ({ nodeId: id(each), attributeId: AttributeIds.Value })),
    { samplingInterval: 100, discardOldest: true, queueSize: 100 },
    TimestampsToReturn.Both,
  );
  group.on("changed", (_item, value, index) => {
    latest[Object.keys(nodes)[index]] = { status: value.statusCode.name, value: plain(value.value.value) };
  });
  return latest;
}

async function state(session, id) {
  const names = ["Simulated", "RunningSimulations", "Scenarios", "Targets", "EndTimes", "Progress"];
  const found = await session.read(names.map((name) => (
    { nodeId: id(`Simulation.${name}`), attributeId: AttributeIds.Value })));
  return Object.fromEntries(names.map((name, i) => [name, plain(found[i].value.value)]));
}

const alarm = (heard, active) => heard.some((event) => (
  event.kind === "Condition" && event.active === active && event.retain === active));

async function until(holds, seconds = 20) {
  for (let waited = 0; waited < seconds; waited += 0.02) {
    if (holds()) return;
    await sleep(20);
  }
  throw new Error(`did not come about: ${holds}`);
}

const plain = (value) => (ArrayBuffer.isView(value) || Array.isArray(value) ? [...value].map(variantOf) : value);
const text = (value) => new Variant({ dataType: DataType.String, value });
const array = (dataType, value) => new Variant({ dataType, arrayType: VariantArrayType.Array, value });
