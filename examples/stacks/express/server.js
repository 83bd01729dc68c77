// Rolls dice.
const express = require("express");

const app = express();

app.get("/health", (_request, response) => response.json({ status: "ok" }));

app.get("/roll/:sides", (request, response) => {
  const sides = Number(request.params.sides);
  if (!Number.isInteger(sides) || sides < 1) {
    response.status(400).json({ error: "a die has a whole number of sides" });
    return;
  }
  response.json({ sides, rolled: 1 + Math.floor(Math.random() * sides) });
});

app.listen(process.env.PORT || 3000, "0.0.0.0");
