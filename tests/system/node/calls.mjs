// The Method service set: who may call, with which arguments.

import { AttributeIds, DataType, Variant, VariantArrayType } from "node-opcua-client";
import { connected } from "./session.mjs";

export async function run(options) {
  return await connected(options, async (session, id) => {
    const text = (value) => new Variant({ dataType: DataType.String, value });
    const number = (value) => new Variant({ dataType: DataType.Double, value });
    const none = (dataType) => new Variant({ dataType, arrayType: VariantArrayType.Array, value: [] });
    const call = async (objectId, methodId, inputArguments) => {
      const result = await session.call({ objectId, methodId, inputArguments });
      return {
        status: result.statusCode.name,
        inputs: (result.inputArgumentResults ?? []).map((each) => each.name),
        outputs: result.outputArguments?.length ?? 0,
      };
    };
    const [start, predict] = [id("Simulation.Start"), id("Analytics.PredictRul")];
    const spike = (target) => [
      text("TemperatureSpike"), text(target), number(1), none(DataType.String), none(DataType.Double),
    ];
    const executable = await session.read([start, predict].map((nodeId) => (
      { nodeId, attributeId: AttributeIds.UserExecutable })));
    return {
      executable: executable.map((each) => each.value.value),
      predict: await call(id("Analytics"), predict, [text(options.jar)]),
      start: await call(id("Simulation"), start, spike(options.jar)),
      missing: await call(id("Analytics"), predict, []),
      many: await call(id("Analytics"), predict, [text(options.jar), text("more")]),
      type: await call(id("Analytics"), predict, [number(1)]),
      method: await call(id("Analytics"), id("Simulation.List"), []),
      object: await call(id("Nowhere"), predict, [text(options.jar)]),
      wrong: await call(id("Analytics"), predict, [text("Nowhere/J99")]),
    };
  });
}
