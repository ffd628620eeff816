// What an app takes of the client: the bundle's size is measured by it.
export { collection, createClient, t } from "../src/index.ts";
