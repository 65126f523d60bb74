/** containerd's gRPC calls, answered by a table. @module */

import type { CallWait, ContainerdCalls } from "../../src/containerd/client.ts";

/** One call that was made. */
export interface MadeCall {
  readonly path: string;
  readonly request: Record<string, unknown>;
  readonly headers: CallWait["headers"];
}

/** The fake, and what it was asked. */
export interface FakeCalls extends ContainerdCalls {
  readonly made: MadeCall[];
  /** The last parts of the paths, in order. */
  readonly methods: () => string[];
}

/** What is answered, by `Service/Method`; an error is thrown. */
export type CallAnswers = Readonly<Record<string, object | Error | null>>;

/** Makes calls that answer so; what is not in the table is answered with {}. */
export function fakeCalls(answers: CallAnswers): FakeCalls {
  const made: MadeCall[] = [];
  const answer = (
    path: string,
    request: object,
    { headers, signal }: CallWait,
  ) => {
    signal.throwIfAborted();
    made.push({ path, request: request as Record<string, unknown>, headers });
    const method = path.slice(path.lastIndexOf(".") + 1);
    const said = method in answers ? answers[method] : {};
    if (said instanceof Error) throw said;
    return said;
  };
  return {
    made,
    methods: () => made.map(({ path }) => path.replace(/^.*[./]/, "")),
    unary: <T>(path: string, request: object, wait: CallWait) =>
      new Promise<T | null>((resolve) =>
        resolve(answer(path, request, wait) as T | null)
      ),
    async *messages<T>(path: string, request: object, wait: CallWait) {
      await Promise.resolve();
      yield answer(path, request, wait) as T;
    },
    read() {
      throw new TypeError("Cannot read: no event comes here");
    },
    [Symbol.dispose]() {},
  };
}
