/** What a contract suite takes of `node:timers/promises`, for a page: everything that is due runs first. */
export const setImmediate = (): Promise<void> =>
  new Promise((resolve) => {
    // oxlint-disable-next-line eslint/no-restricted-globals -- real time of a real browser is the subject
    setTimeout(resolve, 0);
  });
