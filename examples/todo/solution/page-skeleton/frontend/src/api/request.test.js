import assert from "node:assert/strict";
import { test } from "node:test";

import { request } from "./request.js";

function serve(t, answer) {
  return t.mock.method(globalThis, "fetch", answer);
}

test("an answer is read as JSON", async (t) => {
  serve(t, async () => Response.json({ status: "ok" }));
  assert.deepEqual(await request("GET", "/api/health"), { status: "ok" });
});

test("a body is sent as JSON, and says that it is", async (t) => {
  const sent = serve(t, async () => new Response(null, { status: 204 }));
  assert.equal(await request("PATCH", "/api/tasks/1", { completed: true }), undefined);
  const [path, options] = sent.mock.calls[0].arguments;
  assert.equal(path, "/api/tasks/1");
  assert.deepEqual(options, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: '{"completed":true}',
  });
});

test("an error says what the service says", async (t) => {
  serve(t, async () => Response.json({ detail: "There is no task 7." }, { status: 404 }));
  await assert.rejects(request("GET", "/api/tasks/7"), { message: "There is no task 7." });
});

test("a refused field is named", async (t) => {
  const detail = [{ loc: ["body", "title"], msg: "String should have at least 1 character" }];
  serve(t, async () => Response.json({ detail }, { status: 422 }));
  await assert.rejects(request("POST", "/api/tasks", { title: "" }), {
    message: "title: String should have at least 1 character",
  });
});

test("an answer that is no JSON is an error with its status", async (t) => {
  serve(t, async () => new Response("Bad Gateway", { status: 502 }));
  await assert.rejects(request("GET", "/api/tasks"), { message: "The service answered 502." });
});

test("a service that does not answer is an error to be read by a person", async (t) => {
  serve(t, async () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(request("GET", "/api/tasks"), { message: /cannot be reached/ });
});
