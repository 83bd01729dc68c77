import { request } from "./request.js";

/** The new task, open. */
export function addTask(title) {
  return request("POST", "/api/tasks", { title, completed: false });
}
