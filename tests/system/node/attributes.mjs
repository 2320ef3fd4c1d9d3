// The Attribute service set: ranges, timestamps, encodings, every attribute; and what may be written.

import {
  AttributeIds, DataType, ReadRequest, TimestampsToReturn, Variant, VariantArrayType,
} from "node-opcua-client";
import { NumericRange } from "node-opcua-numeric-range";
import { ask, connected } from "./session.mjs";

const NAMESPACES = "ns=0;i=2255";

export async function run(options) {
  return await connected(options, async (session, id) => ({
    ranges: await ranges(session),
    timestamps: await timestamps(session, id(`${options.jar}.Voltage`)),
    refused: await refused(session, id(`${options.jar}.Voltage`)),
    attributes: await attributes(session, id(options.jar), id(`${options.jar}.Voltage`), id("Simulation.Start")),
    writes: await writes(session, id, options),
  }));
}

async function ranges(session) {
  const wanted = ["1", "0:1", "7:9", "2:1", "nonsense"];
  const values = await session.read(wanted.map((range) => ({
    nodeId: NAMESPACES, attributeId: AttributeIds.Value, indexRange: new NumericRange(range),
  })));
  return values.map((each) => each.statusCode.name === "Good" ? each.value.value.length : each.statusCode.name);
}

async function timestamps(session, nodeId) {
  const found = {};
  for (const name of ["Source", "Server", "Both", "Neither"]) {
    const response = await ask(session, new ReadRequest({
      nodesToRead: [{ nodeId, attributeId: AttributeIds.Value }], timestampsToReturn: TimestampsToReturn[name],
    }));
    const [value] = response.results;
    found[name] = [value.sourceTimestamp !== null, value.serverTimestamp !== null];
  }
  return found;
}

async function refused(session, nodeId) {
  const one = (item) => ({ nodeId, attributeId: AttributeIds.Value, ...item });
  const status = async (item) => (await session.read(one(item))).statusCode.name;
  const fault = async (request) => (await ask(session, new ReadRequest(request))).fault;
  return {
    encoding: await status({ dataEncoding: { name: "Default Nonsense" } }),
    otherEncoding: await status({ attributeId: AttributeIds.DisplayName, dataEncoding: { name: "Default Binary" } }),
    scalarRange: await status({ indexRange: new NumericRange("0:1") }),
    attribute: await status({ attributeId: AttributeIds.Executable }),
    nothing: await fault({ nodesToRead: [] }),
    age: await fault({ nodesToRead: [one({})], maxAge: -1 }),
    tooMany: await fault({ nodesToRead: new Array(100_001).fill(one({ attributeId: AttributeIds.NodeId })) }),
  };
}

async function attributes(session, jar, variable, method) {
  const read = async (nodeId, names) => {
    const values = await session.read(names.map((name) => ({ nodeId, attributeId: AttributeIds[name] })));
    return Object.fromEntries(names.map((name, i) => [name, plain(values[i])]));
  };
  const common = ["NodeClass", "BrowseName", "DisplayName", "Description", "WriteMask", "UserWriteMask",
    "RolePermissions", "UserRolePermissions", "AccessRestrictions"];
  return {
    object: await read(jar, [...common, "EventNotifier"]),
    variable: await read(variable, [...common, "DataType", "ValueRank", "AccessLevel", "UserAccessLevel",
      "MinimumSamplingInterval", "Historizing", "AccessLevelEx"]),
    method: await read(method, [...common, "Executable", "UserExecutable"]),
  };
}

function plain(dataValue) {
  if (dataValue.statusCode.isNotGood()) return dataValue.statusCode.name;
  const { value } = dataValue.value;
  if (Array.isArray(value)) return value.map((each) => `${each.roleId?.value}:${each.permissions}`);
  return value?.text ?? value?.name ?? value?.value ?? value;
}

async function writes(session, id, options) {
  const write = async (nodeId, dataType, value, more = {}) => (await session.write({
    nodeId, attributeId: AttributeIds.Value, value: { value: new Variant({ dataType, value, ...more }) },
  })).name;
  const setPoint = id(options.setPoint);
  const before = await session.read({ nodeId: setPoint, attributeId: AttributeIds.Value });
  const array = { arrayType: VariantArrayType.Array };
  return {
    unknown: await write(id("Nowhere"), DataType.Double, 1),
    reading: await write(id(`${options.jar}.Voltage`), DataType.Double, 13),
    type: await write(setPoint, DataType.Float, 13.6),
    rank: await write(setPoint, DataType.Double, [13.6], array),
    range: await write(setPoint, DataType.Double, 400),
    name: (await session.write({
      nodeId: setPoint, attributeId: AttributeIds.DisplayName,
      value: { value: { dataType: DataType.LocalizedText, value: { text: "mine" } } },
    })).name,
    good: await write(setPoint, DataType.Double, before.value.value),
  };
}
