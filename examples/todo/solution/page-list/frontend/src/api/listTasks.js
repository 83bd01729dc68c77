import { request } from "./request.js";

const PAGE = 100; // what the service gives at most

/** All tasks, the oldest first, whatever number of pages they fill. */
export async function listTasks() {
  const tasks = [];
  for (;;) {
    const query = new URLSearchParams({ limit: PAGE, offset: tasks.length });
    const page = await request("GET", `/api/tasks?${query}`);
    tasks.push(...page.tasks);
    if (page.tasks.length < PAGE) {
      return tasks;
    }
  }
}
