import { request } from "./request.js";

const PAGE = 100; // what the service gives at most

/**
 * All tasks, the oldest first, whatever number of pages they fill.
 * @param {{completed?: boolean, search?: string}} [filter] only those in this state, with this text in the title
 */
export async function listTasks({ completed, search = "" } = {}) {
  const tasks = [];
  for (;;) {
    const query = new URLSearchParams({ limit: PAGE, offset: tasks.length });
    if (completed !== undefined) {
      query.set("completed", completed);
    }
    if (search.trim()) {
      query.set("search", search.trim());
    }
    const page = await request("GET", `/api/tasks?${query}`);
    tasks.push(...page.tasks);
    if (page.tasks.length < PAGE) {
      return tasks;
    }
  }
}
