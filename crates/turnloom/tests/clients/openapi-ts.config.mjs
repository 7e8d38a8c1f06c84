// How the TypeScript client is made. Node loads modules by their whole names.
export default {
  input: "openapi.json",
  logs: { level: "warn", file: false },
  output: { path: "turnloom-client", importFileExtension: ".js" },
  plugins: ["@hey-api/client-fetch", "@hey-api/sdk", "@hey-api/typescript"],
};
