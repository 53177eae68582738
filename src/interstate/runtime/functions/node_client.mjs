// A client of the Lambda Runtime API for handlers in JavaScript; runs in workers only, with nothing of Interstate beside it.
//
// CommonJS and ES modules, promises and callbacks, and streaming handlers (awslambda.streamifyResponse).
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html, .../nodejs-context.html, .../nodejs-logging.html

import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const BASE = "/2018-06-01/runtime";
const TASK_ROOT = process.env.LAMBDA_TASK_ROOT;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let requestId;

// Logs: one frame an event, however many lines it has ---------------------------------------------------------------

const JSON_LOGS = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const LOWEST = JSON_LOGS ? Math.max(LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? "INFO"), 0) : 0;

function writeFrame(text) {
  const message = Buffer.from(text);
  const header = Buffer.alloc(16);
  header.writeUInt32BE(0xa55a0003, 0);
  header.writeUInt32BE(message.length, 4);
  header.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  const frame = Buffer.concat([header, message]);
  for (let written = 0; written < frame.length; ) {
    try {
      written += fs.writeSync(3, frame, written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function log(level, values) {
  if (LEVELS.indexOf(level) < LOWEST) return;
  const timestamp = new Date().toISOString();
  if (!JSON_LOGS) {
    writeFrame(`${timestamp}\t${requestId}\t${level}\t${util.format(...values)}\n`);
    return;
  }
  const line = { timestamp, level, requestId };
  const [first] = values;
  line.message = values.length === 1 && first !== null && typeof first === "object" && !(first instanceof Error) ? first : util.format(...values);
  if (first instanceof Error) {
    line.errorType = first.name;
    line.errorMessage = first.message;
    line.stackTrace = (first.stack ?? "").split("\n");
  }
  writeFrame(`${JSON.stringify(line)}\n`);
}

for (const [name, level] of Object.entries({ log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", debug: "DEBUG", trace: "TRACE" })) {
  console[name] = (...values) => log(level, values);
}

// The Runtime API ---------------------------------------------------------------------------------------------------

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : Buffer.from(body);
    const all = content === undefined ? headers : { "Content-Type": "application/json", "Content-Length": content.length, ...headers };
    const request = http.request({ host, port, method, path: BASE + where, agent, headers: all }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on("error", reject);
    request.end(content);
  });
}

function described(error) {
  if (!(error instanceof Error)) {
    const message = typeof error === "string" ? error : error === undefined ? "undefined" : JSON.stringify(error);
    return { errorType: typeof error, errorMessage: message, trace: [] };
  }
  return { errorType: error.errorType ?? error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

function fault(errorType, message, cause) {
  const error = new Error(message);
  error.errorType = errorType;
  error.name = errorType;
  if (cause?.stack) error.stack = `${errorType}: ${message}\n${cause.stack.split("\n").slice(1).join("\n")}`;
  return error;
}

function logFault(what, error) {
  const { errorType, errorMessage, trace } = described(error);
  const document = { errorType, errorMessage, ...(error instanceof Error ? { code: error.code, stack: trace } : {}) };
  if (JSON_LOGS) log("ERROR", [error]);
  else writeFrame(`${new Date().toISOString()}\t${requestId}\tERROR\t${what}\t${JSON.stringify(document)}\n`);
}

// Streaming ---------------------------------------------------------------------------------------------------------

const STREAMING = Symbol.for("interstate.streaming");
const PRELUDE_END = Buffer.alloc(8);

globalThis.awslambda = {
  streamifyResponse(handler) {
    handler[STREAMING] = true;
    return handler;
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType("application/vnd.awslambda.http-integration-response");
      stream.write(JSON.stringify(prelude ?? {}));
      stream.write(PRELUDE_END);
      return stream;
    },
  },
};

async function stream(handler, event, context) {
  const request = http.request({
    host, port, method: "POST", agent,
    path: `${BASE}/invocation/${context.awsRequestId}/response`,
    headers: {
      "Content-Type": "application/octet-stream",
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      "Transfer-Encoding": "chunked",
      Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    },
  });
  request.setContentType = () => undefined;
  const answered = new Promise((resolve, reject) => {
    request.on("response", (response) => response.resume().on("end", resolve));
    request.on("error", reject);
  });
  try {
    request.flushHeaders();
    await handler(event, request, context);
  } catch (error) {
    logFault("Invoke Error ", error);
    if (!request.writableEnded) {
      const { errorType } = described(error);
      const document = Buffer.from(JSON.stringify(described(error))).toString("base64");
      request.addTrailers({ "Lambda-Runtime-Function-Error-Type": errorType, "Lambda-Runtime-Function-Error-Body": document });
      request.end();
    }
  }
  if (!request.writableEnded) await new Promise((resolve) => request.once("finish", resolve));
  await answered;
}

// The handler -------------------------------------------------------------------------------------------------------

function moduleFile(base) {
  for (const extension of [".js", ".mjs", ".cjs", ""]) {
    if (fs.existsSync(base + extension) && fs.statSync(base + extension).isFile()) return base + extension;
  }
  if (fs.existsSync(path.join(base, "index.js"))) return path.join(base, "index.js");
  return undefined;
}

function isModule(file) {
  if (file.endsWith(".mjs")) return true;
  if (file.endsWith(".cjs")) return false;
  for (let folder = path.dirname(file); folder.startsWith(TASK_ROOT); folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
  }
  return false;
}

async function load(name) {
  const folder = path.dirname(name);
  const match = /^([^.]*)\.(.+)$/.exec(path.basename(name));
  if (name.includes("..") || match === null) throw fault("Runtime.MalformedHandlerName", "Bad handler");
  const file = moduleFile(path.resolve(TASK_ROOT, folder, match[1]));
  if (file === undefined) {
    throw fault("Runtime.ImportModuleError", `Error: Cannot find module '${match[1]}'\nRequire stack:\n- /var/runtime/index.mjs`);
  }
  let found;
  try {
    found = isModule(file) ? await import(pathToFileURL(file).href) : createRequire(path.join(TASK_ROOT, "_"))(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw fault("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`, error);
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw fault("Runtime.ImportModuleError", `Error: ${error.message}`, error);
    }
    throw error;
  }
  const steps = match[2].split(".");
  const from = (start) => steps.reduce((value, step) => value?.[step], start);
  const handler = from(found) ?? from(found?.default);
  if (handler === undefined) throw fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function") throw fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const clientContext = headers["lambda-runtime-client-context"];
  return {
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    identity: undefined,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

// Calls the handler; settles by its promise, or by its callback once nothing else is left to do.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (how, value) => {
      if (settled) return;
      settled = true;
      if (context.callbackWaitsForEmptyEventLoop) process.once("beforeExit", () => how(value));
      else setImmediate(how, value);
    };
    const callback = (error, value) => (error === null || error === undefined ? settle(resolve, value) : settle(reject, error));
    context.done = callback;
    context.succeed = (value) => callback(null, value);
    context.fail = (error) => callback(error ?? "handled");
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") {
      settled = true;
      returned.then(resolve, reject);
    } else if (handler.length < 3 && !settled) {
      // Neither promise nor callback: what is left to do may still settle; if nothing is, the answer is null.
      process.once("beforeExit", () => resolve(null));
    } else if (!settled) {
      process.once("beforeExit", () => settled || resolve(null));
    }
  });
}

async function serve(handler) {
  for (;;) {
    const next = await call("GET", "/invocation/next");
    const context = contextOf(next.headers);
    requestId = context.awsRequestId;
    process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"] ?? "";
    const event = JSON.parse(next.body.toString());
    if (handler[STREAMING]) {
      await stream(handler, event, context);
      continue;
    }
    let answer;
    try {
      const value = await run(handler, event, context);
      answer = JSON.stringify(value === undefined ? null : value);
      if (answer === undefined) throw fault("Runtime.MarshalError", "Unable to stringify response body");
    } catch (error) {
      logFault("Invoke Error ", error);
      const document = described(error);
      await call("POST", `/invocation/${requestId}/error`, JSON.stringify(document), { "Lambda-Runtime-Function-Error-Type": document.errorType });
      continue;
    }
    await call("POST", `/invocation/${requestId}/response`, answer);
  }
}

async function fail(path_, error, what) {
  logFault(what, error);
  const document = described(error);
  await call("POST", path_, JSON.stringify(document), { "Lambda-Runtime-Function-Error-Type": document.errorType });
  process.exit(129);
}

process.on("uncaughtException", (error) => {
  const wrapped = fault("Runtime.UnhandledException", error?.message ?? String(error), error);
  fail(requestId === undefined ? "/init/error" : `/invocation/${requestId}/error`, error?.errorType ? error : wrapped, "Uncaught Exception ");
});
process.on("unhandledRejection", (reason) => {
  const wrapped = fault("Runtime.UnhandledPromiseRejection", `${reason?.name ?? "Error"}: ${reason?.message ?? reason}`, reason);
  fail(requestId === undefined ? "/init/error" : `/invocation/${requestId}/error`, wrapped, "Unhandled Promise Rejection ");
});

let handler;
try {
  handler = await load(process.env._HANDLER);
} catch (error) {
  await fail("/init/error", error, "Uncaught Exception ");
}
await serve(handler);
