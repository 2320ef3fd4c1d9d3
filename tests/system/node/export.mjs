// A file of history: made by Export, found by browse paths like any FileType object, read to its end and closed.

import { DataType, Variant, VariantArrayType, makeBrowsePath } from "node-opcua-client";
import { asUser } from "./session.mjs";

const PIECE = 1000;

export async function run(options) {
  return await asUser(options, async (session, id, _namespaces, another) => {
    const files = {};
    for (const format of options.formats) {
      files[format] = await read(session, await make(session, id, options, format));
    }
    const [made, stranger] = [await make(session, id, options, "csv"), await another()];
    const size = { objectId: made.file, methodId: await part(session, made.file, "Read"), inputArguments: [u32(made.handle), i32(1)] };
    const refused = (await stranger.call(size)).statusCode.name;
    await stranger.close(true);
    const unknown = await session.call(call(id, { ...options, variables: ["Nowhere.Voltage"] }, "csv"));
    return { files, refused, unknown: unknown.statusCode.name };
  });
}

async function make(session, id, options, format) {
  const answer = await session.call(call(id, options, format));
  const [file, handle] = answer.outputArguments.map((each) => each.value);
  return { status: answer.statusCode.name, file, handle };
}

function call(id, { variables, start }, format) {
  return {
    objectId: id("Historian"), methodId: id("Historian.Export"),
    inputArguments: [
      new Variant({ dataType: DataType.String, arrayType: VariantArrayType.Array, value: variables }),
      new Variant({ dataType: DataType.DateTime, value: new Date(start) }),
      new Variant({ dataType: DataType.DateTime, value: new Date() }),
      text("raw"), text(format),
    ],
  };
}

async function read(session, { status, file, handle }) {
  const methodId = await part(session, file, "Read");
  const size = (await session.read({ nodeId: await part(session, file, "Size") })).value.value;
  const pieces = [];
  for (;;) {
    const answer = await session.call({ objectId: file, methodId, inputArguments: [u32(handle), i32(PIECE)] });
    const data = answer.outputArguments[0].value;
    if (!data?.length) break;
    pieces.push(data);
  }
  const closed = await session.call({ objectId: file, methodId: await part(session, file, "Close"), inputArguments: [u32(handle)] });
  const data = Buffer.concat(pieces);
  return { status, closed: closed.statusCode.name, size: Number(size[0] * 2 ** 32 + size[1]), length: data.length, begins: data.subarray(0, 200).toString("latin1") };
}

async function part(session, file, name) {
  const found = await session.translateBrowsePath(makeBrowsePath(file, `/${name}`));
  return found.targets[0].targetId;
}

const text = (value) => new Variant({ dataType: DataType.String, value });
const u32 = (value) => new Variant({ dataType: DataType.UInt32, value });
const i32 = (value) => new Variant({ dataType: DataType.Int32, value });
