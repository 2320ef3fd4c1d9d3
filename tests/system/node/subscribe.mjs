// Every jar of a site, some tags each, in one subscription for options.seconds.

import { setTimeout as sleep } from "node:timers/promises";
import { AttributeIds, ClientSubscription, TimestampsToReturn } from "node-opcua-client";
import { anonymously } from "./session.mjs";

export async function run(options) {
  return await anonymously(options, async (session, id) => {
    const subscription = ClientSubscription.create(session, {
      requestedPublishingInterval: 500,
      requestedLifetimeCount: 100,
      requestedMaxKeepAliveCount: 10,
      maxNotificationsPerPublish: 0,
      publishingEnabled: true,
    });
    const identifiers = options.jars.flatMap((jar) => options.tags.map((tag) => `${jar}.${tag}`));
    const items = identifiers.map((each) => ({ nodeId: id(each), attributeId: AttributeIds.Value }));
    const parameters = { samplingInterval: 0, discardOldest: true, queueSize: 1 };
    const group = await subscription.monitorItems(items, parameters, TimestampsToReturn.Source);

    const changes = new Array(items.length).fill(0);
    const times = new Set();
    const doubted = new Map();
    group.on("changed", (_item, dataValue, index) => {
      changes[index] += 1;
      times.add(dataValue.sourceTimestamp.getTime());
      if (dataValue.statusCode.isNotGood()) doubted.set(identifiers[index], dataValue.statusCode.name);
    });
    await sleep(options.seconds * 1000);
    await subscription.terminate();
    const refused = group.monitoredItems.filter((item) => item.statusCode.isNotGood()).length;
    return { items: items.length, refused, changes, scans: times.size, doubted: Object.fromEntries(doubted) };
  });
}
