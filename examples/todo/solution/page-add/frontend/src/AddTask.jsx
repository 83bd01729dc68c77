import { useId, useRef, useState } from "react";

import { addTask } from "./api/addTask.js";
import "./AddTask.css";

/** A form for one new task; `onAdded` is called when the service has it. */
export function AddTask({ onAdded }) {
  const [title, setTitle] = useState("");
  const [error, setError] = useState("");
  const [sending, setSending] = useState(false);
  const field = useRef(null);
  const id = useId();

  async function submit(event) {
    event.preventDefault();
    setSending(true);
    setError("");
    try {
      await addTask(title.trim());
      setTitle("");
      await onAdded();
    } catch (refused) {
      setError(refused.message);
    } finally {
      setSending(false);
      field.current?.focus();
    }
  }

  return (
    <form className="add" onSubmit={submit}>
      <label htmlFor={id}>New task</label>
      <input
        id={id}
        ref={field}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
        maxLength={200}
        autoComplete="off"
        required
        pattern=".*\S.*"
        title="Say what is to be done."
      />
      <button disabled={sending}>Add</button>
      {error && <p role="alert">{error}</p>}
    </form>
  );
}
