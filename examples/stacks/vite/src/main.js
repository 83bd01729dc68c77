// A page for each zone: /utc shows UTC, everything else the reader's own time.
import { told } from "./told.js";

const zone = location.pathname === "/utc" ? "UTC" : undefined;
const show = () => {
  document.querySelector("#app").textContent = told(new Date(), zone);
};
show();
setInterval(show, 1000);
