import assert from "node:assert/strict";
import { test } from "node:test";

import { addTask } from "./addTask.js";

test("a new task is sent, and comes back with its id", async (t) => {
  const sent = t.mock.method(globalThis, "fetch", async (_path, { body }) =>
    Response.json({ id: 1, ...JSON.parse(body) }, { status: 201 }),
  );
  assert.deepEqual(await addTask("Buy milk"), { id: 1, title: "Buy milk", completed: false });
  const [path, { method }] = sent.mock.calls[0].arguments;
  assert.deepEqual([method, path], ["POST", "/api/tasks"]);
});

test("what the service refuses is an error", async (t) => {
  t.mock.method(globalThis, "fetch", async () => Response.json({ detail: "No." }, { status: 422 }));
  await assert.rejects(addTask(""), { message: "No." });
});
