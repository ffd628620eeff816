import { createEventAssembler } from "./event-assembler.ts";
import { parseJson } from "./json-answer.ts";
import { NOT_SYNCHRO } from "./not-synchro.ts";
import { createPageAssembler } from "./page-assembler.ts";
import { TransferError } from "./transfer-error.ts";
import type { Page } from "./transport.ts";
import { isStreamEvent } from "./wire-form.ts";

/** A form in which a server sends page after page, as lines of text. */
export type PageForm = {
  readonly mediaType: string;
  /** Takes the lines of one answer, one by one; gives the page that a line completes, else null. */
  readonly createAssembler: (charsMax: number) => (line: string) => Page | null;
  /** Whether the answer is whole with this page. */
  readonly isLast: (page: Page) => boolean;
  /** Whether a server may end the answer after any page. */
  readonly endsAnywhere: boolean;
};

/** LIVE-4, LIVE-5. */
export const ndjsonForm: PageForm = {
  mediaType: "application/x-ndjson",
  createAssembler: createPageAssembler,
  isLast: (page) => page.more !== undefined,
  endsAnywhere: false,
};

/** LIVE-7, LIVE-15. Events of other names, and comments, only show that the line is alive. */
export const eventStreamForm: PageForm = {
  mediaType: "text/event-stream",
  createAssembler: (charsMax) => {
    const assemble = createEventAssembler(charsMax);
    return (line) => {
      const event = assemble(line);
      if (event?.name !== "changes") return null;
      const page = parseJson(event.data);
      if (!isStreamEvent(page)) throw new TransferError(NOT_SYNCHRO);
      return page;
    };
  },
  isLast: () => false,
  endsAnywhere: true,
};
