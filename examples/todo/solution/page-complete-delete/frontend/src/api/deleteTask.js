import { request } from "./request.js";

/** Throws the task away. */
export function deleteTask(id) {
  return request("DELETE", `/api/tasks/${id}`);
}
