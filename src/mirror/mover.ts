/**
 * A body's seat in a flight: home may send it to a better source in its middle.
 *
 * @module
 */

import type { Flights } from "../flight/flights.ts";
import type { FlightReply } from "../flight/messages.ts";
import type { Digest } from "../oci/digest.ts";
import type { PresentSource } from "./resume.ts";

/** The seat of one body, until it is disposed of. */
export interface Mover extends Disposable {
  /** Takes the seat. */
  begin(source: PresentSource): void;
  /** Tells once where home sent it; null when its source was left for another
   * reason. */
  takeOrder(): FlightReply | null;
}

/**
 * Makes a seat that is not taken yet.
 *
 * @param flights Hears of the seat
 * @param digest What the body is of
 * @returns The seat
 */
export function mover(flights: Pick<Flights, "sit">, digest: Digest): Mover {
  let order: FlightReply | null = null;
  let seat: Disposable | null = null;
  return {
    begin(source) {
      seat = flights.sit(digest, {
        link: () => source.link(),
        move(told) {
          if (source.leave()) order = told;
        },
      });
    },
    takeOrder() {
      const told = order;
      order = null;
      return told;
    },
    [Symbol.dispose]: () => seat?.[Symbol.dispose](),
  };
}
