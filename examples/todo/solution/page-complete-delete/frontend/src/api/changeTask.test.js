import assert from "node:assert/strict";
import { test } from "node:test";

import { changeTask } from "./changeTask.js";
import { deleteTask } from "./deleteTask.js";

function sent(fetch) {
  const [path, { method, body }] = fetch.mock.calls[0].arguments;
  return [method, path, body];
}

test("only what changes is sent", async (t) => {
  const task = { id: 7, title: "Buy milk", completed: true };
  const fetch = t.mock.method(globalThis, "fetch", async () => Response.json(task));
  assert.deepEqual(await changeTask(7, { completed: true }), task);
  assert.deepEqual(sent(fetch), ["PATCH", "/api/tasks/7", '{"completed":true}']);
});

test("a deletion sends nothing but the id", async (t) => {
  const fetch = t.mock.method(globalThis, "fetch", async () => new Response(null, { status: 204 }));
  assert.equal(await deleteTask(7), undefined);
  assert.deepEqual(sent(fetch), ["DELETE", "/api/tasks/7", undefined]);
});

test("a task that somebody else threw away is an error", async (t) => {
  t.mock.method(globalThis, "fetch", async () => Response.json({ detail: "There is no task 7." }, { status: 404 }));
  await assert.rejects(deleteTask(7), { message: "There is no task 7." });
});
