import { useCallback, useEffect, useRef, useState } from "react";

import { listTasks } from "./api/listTasks.js";

/**
 * The tasks that `filter` finds, as the service has them.
 * `status` is "loading" before the first answer, then "ready", or "failed" with the reason in `error`; what was
 * there stays. `reload` asks again, and is over when the answer is there. The answer to the last question counts.
 */
export function useTasks({ completed, search }) {
  const [state, setState] = useState({ status: "loading", tasks: [], error: "" });
  const asked = useRef(0);

  const reload = useCallback(async () => {
    const question = ++asked.current;
    const answer = await listTasks({ completed, search }).then(
      (tasks) => ({ status: "ready", tasks, error: "" }),
      (error) => ({ status: "failed", error: error.message }),
    );
    if (question === asked.current) {
      setState((before) => ({ ...before, ...answer }));
    }
  }, [completed, search]);

  useEffect(() => {
    reload();
  }, [reload]);

  return { ...state, reload };
}
