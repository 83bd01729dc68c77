import { TaskItem } from "./TaskItem.jsx";
import "./TaskList.css";

export function TaskList({ tasks, onChanged }) {
  return (
    <ul className="tasks" aria-label="Tasks" tabIndex={-1}>
      {tasks.map((task) => (
        <TaskItem key={task.id} task={task} onChanged={onChanged} />
      ))}
    </ul>
  );
}
