// The View service set: pages of references, what is refused, and registered nodes.

import { AttributeIds, BrowseDirection, makeBrowsePath } from "node-opcua-client";
import { connected } from "./session.mjs";

export async function run(options) {
  return await connected(options, async (session, id, namespaces) => ({
    ...await pages(session, id(options.string)),
    refused: await refused(session, id(options.string)),
    masks: await masks(session, id(options.jar)),
    paths: await paths(session, options, namespaces),
    registered: await registered(session, id, options),
  }));
}

function described(nodeId, more = {}) {
  return {
    nodeId, browseDirection: BrowseDirection.Forward, includeSubtypes: true, resultMask: 63,
    referenceTypeId: "HierarchicalReferences", ...more,
  };
}

async function pages(session, nodeId) {
  const whole = (await session.browse(described(nodeId))).references.map((each) => each.nodeId.value);
  session.requestedMaxReferencesPerNode = 10;
  const paged = [];
  let answer = await session.browse(described(nodeId));
  const first = answer.continuationPoint;
  for (let round = 0; round < 100; round += 1) {
    paged.push(...answer.references.map((each) => each.nodeId.value));
    if (!answer.continuationPoint?.length) break;
    answer = await session.browseNext(answer.continuationPoint, false);
  }
  const again = await session.browseNext(first, false);
  const other = await session.browse(described(nodeId));
  const release = await session.browseNext(other.continuationPoint, true);
  const released = await session.browseNext(other.continuationPoint, false);
  const points = [];
  for (let i = 0; i < 200; i += 1) points.push(await session.browse(described(nodeId)));
  const codes = points.map((each) => each.statusCode.name);
  await session.browseNext(points.map((each) => each.continuationPoint).filter((each) => each?.length), true);
  session.requestedMaxReferencesPerNode = 0;
  return {
    whole, paged, points: [...new Set(codes)],
    used: again.statusCode.name, release: release.statusCode.name, released: released.statusCode.name,
  };
}

async function refused(session, nodeId) {
  const status = async (more) => (await session.browse(described(nodeId, more))).statusCode.name;
  return {
    node: await status({ nodeId: "ns=0;i=999999" }),
    reference: await status({ referenceTypeId: "ns=0;i=85" }),
  };
}

async function masks(session, nodeId) {
  const { references } = await session.browse(described(nodeId, { nodeClassMask: 2, resultMask: 8 }));
  return {
    count: references.length,
    names: references.every((each) => each.browseName.name),
    classes: [...new Set(references.map((each) => each.nodeClass))],
  };
}

async function paths(session, options, namespaces) {
  const steps = ["Fleet", ...options.jar.split("/")].map((name) => `/${namespaces.fleet}:${name}`).join("");
  const resolve = async (start, path) => {
    const answer = await session.translateBrowsePath(makeBrowsePath(start, path));
    return answer.targets?.length ? answer.targets.map((each) => each.targetId.value) : answer.statusCode.name;
  };
  return {
    good: await resolve("ObjectsFolder", `${steps}/${namespaces.types}:Voltage`),
    none: await resolve("ObjectsFolder", `${steps}/${namespaces.types}:Colour`),
    start: await resolve("ns=0;i=999999", "/0:Server"),
  };
}

async function registered(session, id, options) {
  const names = [`${options.jar}.Voltage`, `${options.jar}.Temperature`];
  const handles = await session.registerNodes(names.map(id));
  const byHandle = await session.read(handles.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })));
  const ids = await session.read(handles.map((nodeId) => ({ nodeId, attributeId: AttributeIds.NodeId })));
  await session.unregisterNodes(handles);
  return {
    types: handles.map((each) => each.identifierType),
    values: byHandle.map((each) => [each.statusCode.name, typeof each.value.value]),
    ids: ids.map((each) => each.value.value?.value ?? null),
  };
}
