import { useOptimistic, useState, useTransition } from "react";

import { changeTask } from "./api/changeTask.js";
import { deleteTask } from "./api/deleteTask.js";

/** One task, to be ticked off, opened again, or thrown away; `onChanged` is called when the service has done it. */
export function TaskItem({ task, onChanged }) {
  const [completed, showCompleted] = useOptimistic(task.completed);
  const [pending, startTransition] = useTransition();
  const [error, setError] = useState("");

  function run(change) {
    if (pending) {
      return; // nothing is disabled meanwhile: that would take the focus away
    }
    setError("");
    startTransition(async () => {
      try {
        await change();
        await onChanged();
      } catch (refused) {
        setError(refused.message);
      }
    });
  }

  function tick() {
    run(() => {
      showCompleted(!completed);
      return changeTask(task.id, { completed: !completed });
    });
  }

  function remove(event) {
    // The button will be gone, and whoever works by keyboard would begin at the top of the page again.
    const list = event.currentTarget.closest("ul");
    run(async () => {
      await deleteTask(task.id);
      list.focus();
    });
  }

  return (
    <li className={completed ? "done" : undefined} aria-busy={pending}>
      <label>
        <input type="checkbox" checked={completed} onChange={tick} />
        <span className="title">{task.title}</span>
      </label>
      <button onClick={remove} aria-label={`Delete ${task.title}`}>
        Delete
      </button>
      {error && <p role="alert">{error}</p>}
    </li>
  );
}
