import { useId } from "react";

import "./Filter.css";

const STATES = [
  { completed: undefined, label: "All" },
  { completed: false, label: "Open" },
  { completed: true, label: "Done" },
];

/** Which tasks are shown: by state, and by a part of their titles. */
export function Filter({ filter, onFilter }) {
  const group = useId();

  return (
    <form role="search" className="filter" onSubmit={(event) => event.preventDefault()}>
      <fieldset>
        <legend>Show</legend>
        {STATES.map(({ completed, label }) => (
          <label key={label}>
            <input
              type="radio"
              name={group}
              checked={filter.completed === completed}
              onChange={() => onFilter({ ...filter, completed })}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <label className="search">
        Search
        <input
          type="search"
          value={filter.search}
          onChange={(event) => onFilter({ ...filter, search: event.target.value })}
          maxLength={200}
        />
      </label>
    </form>
  );
}
