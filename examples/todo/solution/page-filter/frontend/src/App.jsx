import { useState } from "react";

import { AddTask } from "./AddTask.jsx";
import { Filter } from "./Filter.jsx";
import { TaskList } from "./TaskList.jsx";
import { useTasks } from "./useTasks.js";

export function App() {
  const [filter, setFilter] = useState({ completed: undefined, search: "" });
  const { tasks, status, error, reload } = useTasks(filter);

  return (
    <main>
      <h1>To-do list</h1>
      <AddTask onAdded={reload} />
      <Filter filter={filter} onFilter={setFilter} />
      {status === "failed" && (
        <p role="alert">
          {error} <button onClick={reload}>Try again</button>
        </p>
      )}
      <p role="status">{summary(status, tasks, filter)}</p>
      <TaskList tasks={tasks} onChanged={reload} />
    </main>
  );
}

function summary(status, tasks, { completed, search }) {
  if (status === "loading") {
    return "Loading…";
  }
  const chosen = completed !== undefined || search.trim() !== "";
  if (status === "ready" && tasks.length === 0) {
    return chosen ? "No task is like that." : "Nothing to do.";
  }
  if (chosen) {
    return `${tasks.length} found`;
  }
  const open = tasks.filter((task) => !task.completed).length;
  return tasks.length === 0 ? "" : `${open} of ${tasks.length} still to do`;
}
