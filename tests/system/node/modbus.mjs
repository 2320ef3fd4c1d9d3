// A Modbus master that is not ours (modbus-serial): `node modbus.mjs <options as JSON>` reads and writes at
// options.port, in options.framer frames, and prints what it saw as JSON.

import ModbusRTU from "modbus-serial";

const options = JSON.parse(process.argv[2]);
const master = new ModbusRTU();
const at = { port: options.port };
// What it calls Telnet is RTU frames over TCP; its TcpRTU ports send headers of Modbus TCP.
if (options.framer === "rtu") await master.connectTelnet("127.0.0.1", at);
else await master.connectTCP("127.0.0.1", at);
master.setTimeout(5000);

async function attempt(work) {
    try {
        return await work();
    } catch (error) {
        return { exception: error.modbusCode ?? String(error) };
    }
}

const seen = {};
master.setID(1);
seen.jar = (await master.readHoldingRegisters(1000 + 54 * 3, 3)).data;
seen.longest = (await master.readHoldingRegisters(1000, 125)).data.length;
seen.notThere = await attempt(() => master.readHoldingRegisters(60000, 1));
seen.otherTable = await attempt(() => master.readInputRegisters(0, 1));
seen.reading = await attempt(() => master.writeRegister(1000, 1));
seen.beyond = await attempt(() => master.writeRegister(9, 2500));
seen.one = await attempt(() => master.writeRegister(9, 2310));
seen.afterOne = (await master.readHoldingRegisters(9, 1)).data;
seen.two = await attempt(() => master.writeRegisters(9, [2290, 120]));
seen.afterTwo = (await master.readHoldingRegisters(9, 2)).data;
master.setID(99);
seen.otherUnit = await attempt(() => master.readHoldingRegisters(0, 1));
console.log(JSON.stringify(seen));
master.close(() => process.exit(0));
