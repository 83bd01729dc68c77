import { TaskList } from "./TaskList.jsx";
import { useTasks } from "./useTasks.js";

export function App() {
  const { tasks, status, error, reload } = useTasks();

  return (
    <main>
      <h1>To-do list</h1>
      {status === "failed" && (
        <p role="alert">
          {error} <button onClick={reload}>Try again</button>
        </p>
      )}
      <p role="status">{summary(status, tasks)}</p>
      <TaskList tasks={tasks} />
    </main>
  );
}

function summary(status, tasks) {
  if (status === "loading") {
    return "Loading…";
  }
  if (status === "ready" && tasks.length === 0) {
    return "Nothing to do.";
  }
  const open = tasks.filter((task) => !task.completed).length;
  return tasks.length === 0 ? "" : `${open} of ${tasks.length} still to do`;
}
