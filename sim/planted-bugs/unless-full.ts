import { ClientStoreError } from "../../packages/client/src/store/client-store-error.ts";

/** A bug's own transaction, left out where the disk is full: that is no defect, and must not be taken for one. */
export const unlessFull = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ClientStoreError) || error.code !== "full") throw error;
  }
};
