// An OPC UA client that is not ours: `node client.mjs <step> <options as JSON>` runs one step against a
// running Voltkeep and writes what it saw as JSON to options.output. Each step has a module of its name.

import { writeFileSync } from "node:fs";

const [step, text] = process.argv.slice(2);
const options = JSON.parse(text);
const { run } = await import(`./${step}.mjs`);
const seen = await run(options);
writeFileSync(options.output, JSON.stringify(seen));
process.exit(0);
