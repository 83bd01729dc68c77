import "./TaskList.css";

export function TaskList({ tasks }) {
  return (
    <ul className="tasks" aria-label="Tasks">
      {tasks.map((task) => (
        <li key={task.id} className={task.completed ? "done" : undefined}>
          <span className="title">{task.title}</span>
        </li>
      ))}
    </ul>
  );
}
