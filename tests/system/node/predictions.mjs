// Predictions with their structure, which the client learns from its DataTypeDefinition.

import { DataType, Variant } from "node-opcua-client";
import { connected } from "./session.mjs";

export async function run(options) {
  return await connected(options, async (session, id) => {
    const text = (value) => new Variant({ dataType: DataType.String, value });
    const number = (value) => new Variant({ dataType: DataType.Double, value });
    const call = async (name, inputArguments) => {
      const result = await session.call({
        objectId: id("Analytics"), methodId: id(`Analytics.${name}`), inputArguments,
      });
      return { status: result.statusCode.name, outputs: (result.outputArguments ?? []).map((each) => each.value) };
    };
    const plain = (structure) => ({ type: structure.schema.name, ...structure.toJSON() });
    const fleet = await call("PredictFleet", [text(options.site)]);
    const explained = await call("ExplainRul", [text(options.jar)]);
    const warmer = await call("WhatIf", [text(options.jar), number(10), number(100)]);
    const models = await call("ListModels", []);
    return {
      fleet: { status: fleet.status, jars: fleet.outputs[0], days: Array.from(fleet.outputs[1]) },
      structures: Array.from(fleet.outputs.at(-1)).map(plain),
      explained: { status: explained.status, factors: explained.outputs[0], structure: plain(explained.outputs.at(-1)) },
      warmer: { status: warmer.status, days: warmer.outputs.slice(0, 6), version: warmer.outputs[6] },
      models: { status: models.status, states: models.outputs[1] },
      wrong: (await call("WhatIf", [text(options.jar), number(99), number(100)])).status,
    };
  });
}
