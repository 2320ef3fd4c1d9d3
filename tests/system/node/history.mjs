// A variable's raw history, read in pieces by continuation points, both ways round.

import {
  HistoryReadRequest,
  ReadRawModifiedDetails,
  TimestampsToReturn,
} from "node-opcua-client";
import { anonymously } from "./session.mjs";

export async function run(options) {
  return await anonymously(options, async (session, id) => {
    const now = new Date();
    const before = new Date(options.start);
    const node = id(`${options.jar}.Voltage`);
    return {
      forward: await read(session, node, before, now, options.piece),
      backward: await read(session, node, now, before, options.piece),
      whole: await read(session, node, before, now, 0),
      unknown: await read(session, id(`${options.jar}.Colour`), before, now, 0),
      future: await read(session, node, new Date(now.getTime() + 3_600_000), new Date(now.getTime() + 7_200_000), 0),
    };
  });
}

async function read(session, nodeId, startTime, endTime, numValuesPerNode) {
  const values = [];
  let pieces = 0;
  let continuationPoint;
  let status;
  do {
    const answer = await session.historyRead(new HistoryReadRequest({
      historyReadDetails: new ReadRawModifiedDetails({
        isReadModified: false, startTime, endTime, numValuesPerNode, returnBounds: false,
      }),
      nodesToRead: [{ nodeId, continuationPoint }],
      timestampsToReturn: TimestampsToReturn.Source,
      releaseContinuationPoints: false,
    }));
    const result = answer.results[0];
    status = result.statusCode.name;
    pieces += 1;
    values.push(...(result.historyData?.dataValues ?? []));
    continuationPoint = result.continuationPoint?.length ? result.continuationPoint : undefined;
  } while (continuationPoint && pieces < 1000);
  return {
    status,
    pieces,
    times: values.map((each) => each.sourceTimestamp.getTime()),
    values: values.map((each) => each.value.value),
  };
}
