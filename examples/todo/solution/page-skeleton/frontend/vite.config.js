import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // Not in node_modules, which may be shared and read-only.
  cacheDir: ".vite",
  server: {
    proxy: { "/api": "http://127.0.0.1:8000" },
  },
});
