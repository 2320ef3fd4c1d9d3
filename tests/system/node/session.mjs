// Sessions: anonymous on the endpoint without security, or a user on an encrypted one.

import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { MessageSecurityMode, OPCUAClient, SecurityPolicy, UserTokenType } from "node-opcua-client";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";

const RETRY = { maxRetry: 1, initialDelay: 100, maxDelay: 500 };

export async function anonymously(options, work) {
  return await withSession({ connectionStrategy: RETRY, endpointMustExist: false }, options, undefined, work);
}

// As options.security says: { mode, policy } is a user on an encrypted endpoint, nothing is anonymous.
export async function connected(options, work) {
  return await (options.security ? asUser(options, work) : anonymously(options, work));
}

// A request as it stands, for what the client has no call of its own; the answer, or the fault's name.
export async function ask(session, request) {
  return await new Promise((resolve) => {
    session.performMessageTransaction(request, (error, response) => {
      resolve(response ?? { fault: error.response?.responseHeader.serviceResult.name ?? error.message });
    });
  });
}

export async function asUser(options, work) {
  const certificates = new OPCUACertificateManager({
    rootFolder: join(options.directory, "pki"),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  await certificates.initialize();
  const security = {
    securityMode: MessageSecurityMode[options.security?.mode ?? "SignAndEncrypt"],
    securityPolicy: SecurityPolicy[options.security?.policy ?? "Basic256Sha256"],
    clientCertificateManager: certificates,
    connectionStrategy: RETRY,
    endpointMustExist: true,
  };
  const user = { type: UserTokenType.UserName, userName: options.user, password: options.password };
  return await withSession(security, options, user, work);
}

// What an administrator does once: put the client's certificate among those that the server trusts.
async function beTrusted(client, options) {
  await client.createDefaultCertificate();
  await copyFile(client.certificateFile, join(options.trusted, "node-client.pem"));
}

// `work` gets the session, NodeIds of the fleet, the namespaces, and further sessions of the same user.
async function withSession(settings, options, user, work) {
  const client = OPCUAClient.create(settings);
  if (user) await beTrusted(client, options);
  await client.connect(options.endpoint);
  const session = await client.createSession(user);
  const another = () => client.createSession(user);
  try {
    const namespaces = await session.readNamespaceArray();
    const [fleet, types] = ["urn:voltkeep:fleet", "urn:voltkeep:types"].map((uri) => namespaces.indexOf(uri));
    return await work(session, (identifier) => `ns=${fleet};s=${identifier}`, { fleet, types }, another);
  } finally {
    await session.close(true);
    await client.disconnect();
  }
}

export function variantOf(value) {
  return value instanceof Date ? value.toISOString() : value;
}
