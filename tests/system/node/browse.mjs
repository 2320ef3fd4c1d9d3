// From the Server object down to a jar, by hierarchy and by notifiers, and by browse path.

import { BrowseDirection, makeBrowsePath } from "node-opcua-client";
import { anonymously } from "./session.mjs";

export async function run(options) {
  const parts = ["Fleet", ...options.jar.split("/")];
  return await anonymously(options, async (session, id, namespaces) => ({
    objects: await names(session, "ObjectsFolder", "Organizes"),
    fleet: await names(session, id("Fleet"), "HasComponent"),
    jar: await names(session, id(options.jar), "Aggregates"),
    jarType: await names(session, id(options.jar), "HasTypeDefinition"),
    parent: await names(session, id(`${options.jar}.Voltage`), "HasComponent", BrowseDirection.Inverse),
    notifiers: await descend(session, "Server", parts),
    byPath: await resolve(session, parts, "Voltage", namespaces),
    noPath: await resolve(session, parts, "Colour", namespaces),
  }));
}

async function browse(session, nodeId, referenceTypeId, browseDirection) {
  let answer = await session.browse({
    nodeId, referenceTypeId, browseDirection, includeSubtypes: true, resultMask: 63,
  });
  const references = [...answer.references];
  while (answer.continuationPoint?.length) {
    answer = await session.browseNext(answer.continuationPoint, false);
    references.push(...answer.references);
  }
  return references;
}

async function names(session, nodeId, kind, direction = BrowseDirection.Forward) {
  return (await browse(session, nodeId, kind, direction)).map((each) => each.browseName.name);
}

// Follow HasNotifier and HasEventSource (its supertype) by browse name.
async function descend(session, start, parts) {
  const path = [];
  let nodeId = start;
  for (const name of parts) {
    const references = await browse(session, nodeId, "HasEventSource", BrowseDirection.Forward);
    const found = references.find((each) => each.browseName.name === name);
    if (!found) break;
    path.push(name);
    nodeId = found.nodeId.toString();
  }
  return path;
}

async function resolve(session, parts, member, namespaces) {
  const steps = [...parts.map((name) => `/${namespaces.fleet}:${name}`), `/${namespaces.types}:${member}`];
  const answer = await session.translateBrowsePath(makeBrowsePath("ObjectsFolder", steps.join("")));
  return answer.targets?.[0]?.targetId.value ?? answer.statusCode.name;
}
