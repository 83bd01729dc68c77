/**
 * What the service answers to one request; `undefined` where it answers without content.
 * @param {string} method
 * @param {string} path with its query, such as "/api/tasks?limit=10"
 * @param {object} [body] sent as JSON
 * @throws {Error} with a message to show to a person
 */
export async function request(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The service cannot be reached. Is it running?");
  }
  if (!answer.ok) {
    throw new Error(await reason(answer));
  }
  return answer.status === 204 ? undefined : answer.json();
}

/** Errors carry a `detail`: a text, or a list of what is wrong with which field (docs/api.md). */
async function reason(answer) {
  const { detail } = await answer.json().catch(() => ({}));
  if (typeof detail === "string") {
    return detail;
  }
  if (Array.isArray(detail)) {
    return detail.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}`).join("; ");
  }
  return `The service answered ${answer.status}.`;
}
