import type { SpaceId } from "@synchro/core";
import { encodeLiveChanges } from "@synchro/protocol";
import type { Frame } from "../../../service/frame.ts";
import type { PullAnswer, PullInput } from "../../../service/pull.ts";
import type { Services } from "../../../service/services.ts";
import {
  type Subscriber,
  Subscription,
  type SubscriptionEnd,
  type Taken,
} from "../../../service/subscription.ts";
import type { LiveOutlet } from "./live-outlet.ts";
import type { LiveTurns } from "./live-turns.ts";

/** What a subscription needs of the connection that it is one of. */
export type SubscriptionHost = {
  readonly services: Services;
  readonly outlet: LiveOutlet;
  readonly turns: LiveTurns;
  readonly mayStillRead: (space: SpaceId) => Promise<boolean>;
  readonly subscriptionEnded: (one: LiveSubscription, end: SubscriptionEnd) => void;
};

/**
 * A space that a connection follows. Its frames are shared with all others that follow it; what is
 * its own is where it stands. Spec: LIVE-21 to LIVE-23.
 */
export class LiveSubscription implements Subscriber {
  readonly dialect = "live";
  /** What the client calls it. */
  readonly id: string;
  readonly space: SpaceId;
  readonly #connection: SubscriptionHost;
  readonly #subscription: Subscription;

  constructor(connection: SubscriptionHost, id: string, from: PullInput) {
    this.id = id;
    this.space = from.space;
    this.#connection = connection;
    this.#subscription = new Subscription(connection.services, from, this);
  }

  resume(): void {
    this.#subscription.resume();
  }

  close(): void {
    this.#subscription.close();
  }

  encode(answer: PullAnswer): Buffer {
    return Buffer.from(encodeLiveChanges(this.space, answer));
  }

  mayStillRead(): Promise<boolean> {
    return this.#connection.mayStillRead(this.space);
  }

  take({ answer, body }: Frame): Taken {
    const { outlet, turns, services } = this.#connection;
    if (outlet.isFull) {
      turns.add(this);
      return "refused";
    }
    outlet.send(body);
    services.metrics.countRecordsSent(answer.records.length);
    if (!answer.more) turns.end(this);
    if (!outlet.isFull) return "more";
    turns.add(this);
    return "enough";
  }

  rest(): void {
    this.#connection.turns.end(this);
  }

  end(end: SubscriptionEnd): void {
    this.#connection.subscriptionEnded(this, end);
  }
}
