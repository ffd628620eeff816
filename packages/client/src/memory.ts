export { type MemoryStoreOptions, openMemoryStore } from "./store/memory/open-memory-store.ts";
