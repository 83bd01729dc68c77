import assert from "node:assert/strict";
import { test } from "node:test";

import { addTask } from "./addTask.js";

/** Answers as the service does: a field that it does not know is refused, not ignored. */
async function service(_path, { body }) {
  const { title, ...unknown } = JSON.parse(body);
  const detail = Object.keys(unknown).map((name) => ({
    loc: ["body", name],
    msg: "Extra inputs are not permitted",
  }));
  return detail.length > 0
    ? Response.json({ detail }, { status: 422 })
    : Response.json({ id: 1, title, completed: false }, { status: 201 });
}

test("a new task is sent, and comes back with its id", async (t) => {
  const sent = t.mock.method(globalThis, "fetch", service);
  assert.deepEqual(await addTask("Buy milk"), { id: 1, title: "Buy milk", completed: false });
  const [path, { method }] = sent.mock.calls[0].arguments;
  assert.deepEqual([method, path], ["POST", "/api/tasks"]);
});

test("what the service refuses is an error", async (t) => {
  t.mock.method(globalThis, "fetch", async () => Response.json({ detail: "No." }, { status: 422 }));
  await assert.rejects(addTask(""), { message: "No." });
});
