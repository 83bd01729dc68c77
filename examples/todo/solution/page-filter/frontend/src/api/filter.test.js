import assert from "node:assert/strict";
import { test } from "node:test";

import { listTasks } from "./listTasks.js";

/** What the service is asked for where the list is filtered. */
async function asked(t, filter) {
  const fetch = t.mock.method(globalThis, "fetch", async () => Response.json({ tasks: [], total: 0 }));
  await listTasks(filter);
  const query = new URL(fetch.mock.calls[0].arguments[0], "http://localhost").searchParams;
  return { completed: query.get("completed"), search: query.get("search") };
}

test("without a filter, all tasks are asked for", async (t) => {
  assert.deepEqual(await asked(t), { completed: null, search: null });
});

test("open tasks and done ones are told apart", async (t) => {
  assert.deepEqual(await asked(t, { completed: false }), { completed: "false", search: null });
  assert.deepEqual(await asked(t, { completed: true }), { completed: "true", search: null });
});

test("a search is sent as it was typed, whatever it holds", async (t) => {
  assert.deepEqual(await asked(t, { search: " 100% & more " }), { completed: null, search: "100% & more" });
});

test("a search for blanks is none: the service refuses an empty one", async (t) => {
  assert.deepEqual(await asked(t, { search: "  " }), { completed: null, search: null });
});
