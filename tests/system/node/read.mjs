// A jar's values with status and time, its properties, and a NodeId that there is not.

import { AttributeIds, DataType } from "node-opcua-client";
import { anonymously, variantOf } from "./session.mjs";

export async function run(options) {
  return await anonymously(options, async (session, id) => {
    const names = [...options.tags, ...options.properties];
    const nodesToRead = names.map((name) => ({ nodeId: id(`${options.jar}.${name}`), attributeId: AttributeIds.Value }));
    const values = await session.read(nodesToRead);
    const [unknown, wrongNamespace] = await session.read([
      { nodeId: id(`${options.jar}.Colour`), attributeId: AttributeIds.Value },
      { nodeId: "ns=99;s=Fleet", attributeId: AttributeIds.Value },
    ]);
    return {
      values: Object.fromEntries(names.map((name, i) => [name, plain(values[i])])),
      unknown: [unknown.statusCode.name, wrongNamespace.statusCode.name],
    };
  });
}

function plain(dataValue) {
  const { dataType, value } = dataValue.value;
  return {
    type: DataType[dataType],
    value: variantOf(value),
    status: dataValue.statusCode.name,
    sourceTime: dataValue.sourceTimestamp?.toISOString() ?? null,
  };
}
