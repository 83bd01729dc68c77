import assert from "node:assert/strict";
import { test } from "node:test";

import { listTasks } from "./listTasks.js";

/** A service with `total` tasks, which answers a page as docs/api.md says. */
function serve(t, total) {
  return t.mock.method(globalThis, "fetch", async (path) => {
    const query = new URL(path, "http://localhost").searchParams;
    const offset = Number(query.get("offset"));
    const length = Math.max(0, Math.min(Number(query.get("limit")), total - offset));
    return Response.json({ tasks: Array.from({ length }, (_, at) => ({ id: offset + at + 1 })), total });
  });
}

test("an empty list is an empty list", async (t) => {
  serve(t, 0);
  assert.deepEqual(await listTasks(), []);
});

test("tasks beyond the first page are listed, too", async (t) => {
  const asked = serve(t, 230);
  const tasks = await listTasks();
  assert.deepEqual([tasks.length, tasks.at(-1).id], [230, 230]);
  assert.equal(asked.mock.callCount(), 3);
});

test("a full last page is followed by an empty one, and the end", async (t) => {
  serve(t, 200);
  assert.equal((await listTasks()).length, 200);
});
