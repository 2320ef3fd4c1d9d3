// Historical Access: raw values with bounds and in pages, values at times, aggregates, what the address space
// says of it, and what is answered to wrong requests.

import {
  AggregateFunction,
  AttributeIds,
  BrowseDirection,
  HistoryReadRequest,
  ReadAtTimeDetails,
  ReadProcessedDetails,
  ReadRawModifiedDetails,
  TimestampsToReturn,
} from "node-opcua-client";
import { anonymously, ask, variantOf } from "./session.mjs";

const HAS_CONFIGURATION = "HasHistoricalConfiguration";

export async function run(options) {
  return await anonymously(options, async (session, id) => {
    const node = id(`${options.jar}.Voltage`);
    const [start, end] = [new Date(options.start), new Date(options.end)];
    const raw = await session.readHistoryValue(node, start, end, { returnBounds: false });
    const times = raw.historyData.dataValues.map((each) => each.sourceTimestamp.getTime());
    return {
      raw: valuesOf(raw),
      bounds: await bounds(session, node, times),
      pages: await pages(session, node, start, end),
      atTime: await atTime(session, node, times),
      processed: await processed(session, node, start, end, options),
      texts: await texts(session, id, options, start, end),
      configuration: await configuration(session, node),
      capabilities: await capabilities(session),
      wrong: await wrong(session, id, options, start, end),
    };
  });
}

function valuesOf(result) {
  return (result.historyData?.dataValues ?? []).map((each) => ({
    time: each.sourceTimestamp.getTime(),
    value: variantOf(each.value?.value),
    status: each.statusCode.name,
    bits: each.statusCode.value & 0x1f,
    server: each.serverTimestamp !== null && each.serverTimestamp !== undefined,
  }));
}

async function read(session, historyReadDetails, nodesToRead, more = {}) {
  return await ask(session, new HistoryReadRequest({
    historyReadDetails,
    nodesToRead,
    timestampsToReturn: TimestampsToReturn.Source,
    releaseContinuationPoints: false,
    ...more,
  }));
}

// From between two values to between two others, both ways.
async function bounds(session, node, times) {
  const [low, high] = [new Date(times[2] - 1), new Date(times[5] + 1)];
  const forward = await session.readHistoryValue(node, low, high, { returnBounds: true });
  const backward = await session.readHistoryValue(node, high, low, { returnBounds: true });
  return { forward: valuesOf(forward), backward: valuesOf(backward) };
}

// Both ways by continuation points, three values each.
async function pages(session, nodeId, start, end) {
  const found = {};
  for (const [name, startTime, endTime] of [["forward", start, end], ["backward", end, start]]) {
    const details = new ReadRawModifiedDetails({ startTime, endTime, numValuesPerNode: 3 });
    const values = [];
    let [continuationPoint, count] = [undefined, 0];
    do {
      const [result] = (await read(session, details, [{ nodeId, continuationPoint }])).results;
      values.push(...valuesOf(result));
      continuationPoint = result.continuationPoint?.length ? result.continuationPoint : undefined;
      count += 1;
    } while (continuationPoint && count < 1000);
    found[name] = { values, count };
  }
  return found;
}

// At a value, halfway between two, long before all, and again at a value.
async function atTime(session, nodeId, times) {
  const reqTimes = [times[3], (times[1] + times[2]) / 2, times[0] - 86_400_000 * 500, times[0]];
  const details = new ReadAtTimeDetails({ reqTimes: reqTimes.map((each) => new Date(each)), useSimpleBounds: true });
  const [result] = (await read(session, details, [{ nodeId }])).results;
  return { times: reqTimes, values: valuesOf(result) };
}

async function processed(session, nodeId, start, end, options) {
  const found = {};
  for (const name of options.aggregates) {
    const result = await session.readAggregateValue({ nodeId }, start, end, AggregateFunction[name], options.interval);
    found[name] = { status: result.statusCode.name, values: valuesOf(result) };
  }
  return found;
}

// A text has a last value, and no average.
async function texts(session, id, options, start, end) {
  const nodeId = id(`${options.jar}.ReplacementQuarter`);
  const functions = [AggregateFunction.End, AggregateFunction.Average];
  const results = await session.readAggregateValue([{ nodeId }, { nodeId }], start, end, functions, 0);
  return results.map((each) => [each.statusCode.name, valuesOf(each).map((value) => value.value)]);
}

async function properties(session, nodeId) {
  const found = await session.browse({
    nodeId, browseDirection: BrowseDirection.Forward, referenceTypeId: "HasProperty", resultMask: 63,
  });
  const values = await session.read(found.references.map((each) => (
    { nodeId: each.nodeId, attributeId: AttributeIds.Value })));
  return Object.fromEntries(found.references.map((each, i) => (
    [each.browseName.name, variantOf(values[i].value.value)])));
}

async function configuration(session, nodeId) {
  const browse = async (from, referenceTypeId) => (await session.browse({
    nodeId: from, browseDirection: BrowseDirection.Forward, referenceTypeId, includeSubtypes: true, resultMask: 63,
  })).references;
  const [found] = await browse(nodeId, HAS_CONFIGURATION);
  const [rules] = (await browse(found.nodeId, "HasComponent"))
    .filter((each) => each.browseName.name === "AggregateConfiguration");
  return {
    name: found.browseName.name,
    own: await properties(session, found.nodeId),
    rules: await properties(session, rules.nodeId),
  };
}

async function capabilities(session) {
  const functions = await session.browse({
    nodeId: "i=11201", browseDirection: BrowseDirection.Forward, referenceTypeId: "Organizes", resultMask: 63,
  });
  return {
    values: await properties(session, "i=11192"),
    aggregates: functions.references.map((each) => each.browseName.name).sort(),
  };
}

async function wrong(session, id, options, startTime, endTime) {
  const nodeId = id(`${options.jar}.Voltage`);
  const code = async (details, node = { nodeId }, more = {}) => {
    const answer = await read(session, details, [node], more);
    return answer.fault ?? answer.results[0].statusCode.name;
  };
  const raw = new ReadRawModifiedDetails({ startTime, endTime, numValuesPerNode: 2 });
  const average = { startTime, endTime, processingInterval: 1000, aggregateType: [AggregateFunction.Average] };
  const rejected = { useServerCapabilitiesDefaults: false, percentDataGood: 101, percentDataBad: 0 };
  return {
    domain: await code(new ReadRawModifiedDetails({ numValuesPerNode: 2 })),
    bounds: await code(new ReadRawModifiedDetails({ startTime, endTime, isReadModified: true, returnBounds: true })),
    times: await code(new ReadAtTimeDetails({ reqTimes: [] })),
    interval: await code(new ReadProcessedDetails({ ...average, processingInterval: -1 })),
    instant: await code(new ReadProcessedDetails({ ...average, endTime: startTime })),
    list: await code(new ReadProcessedDetails({ ...average, aggregateType: [] })),
    aggregate: await code(new ReadProcessedDetails({ ...average, aggregateType: ["i=11564"] })),
    configuration: await code(new ReadProcessedDetails({ ...average, aggregateConfiguration: rejected })),
    node: await code(raw, { nodeId: id("nowhere") }),
    object: await code(raw, { nodeId: id(options.jar) }),
    range: await code(raw, { nodeId, indexRange: "0:1" }),
    encoding: await code(raw, { nodeId, dataEncoding: { namespaceIndex: 0, name: "Default XML" } }),
    point: await code(raw, { nodeId, continuationPoint: Buffer.alloc(16) }),
    release: await code(raw, { nodeId, continuationPoint: Buffer.alloc(16) }, { releaseContinuationPoints: true }),
    server: await code(raw, { nodeId }, { timestampsToReturn: TimestampsToReturn.Server }),
    neither: await code(raw, { nodeId }, { timestampsToReturn: TimestampsToReturn.Neither }),
  };
}
