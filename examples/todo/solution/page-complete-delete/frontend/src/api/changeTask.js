import { request } from "./request.js";

/** The task as changed: its `title`, whether it is `completed`, or both. */
export function changeTask(id, change) {
  return request("PATCH", `/api/tasks/${id}`, change);
}
