/**
 * Every metric in one table: name, kind, unit, labels, help.
 *
 * @module
 */

/** One metric as it is described. */
export interface MetricRow {
  /** Counter, gauge or histogram, as Prometheus means them. */
  readonly kind: "counter" | "gauge" | "histogram";
  /** What it counts or measures. */
  readonly help: string;
  /** Names of its labels. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
}

/** The name of a metric; units stand in the names. */
export type MetricName =
  | "peili_requests_total"
  | "peili_request_duration_seconds"
  | "peili_bytes_total"
  | "peili_streams"
  | "peili_peer_failures_total"
  | "peili_resumes_total"
  | "peili_flights_total"
  | "peili_flight_rejoins_total"
  | "peili_flight_moves_total"
  | "peili_flight_waits_given_up_total"
  | "peili_content"
  | "peili_uncaught_errors_total"
  | "peili_resident_memory_bytes";

/** The table. */
export const METRICS: Readonly<Record<MetricName, MetricRow>> = {
  "peili_requests_total": {
    kind: "counter",
    help:
      "Requests answered, by listener and handler, where the answer came from (local, peer, none) and its status class.",
    labels: ["listener", "handler", "source", "status"],
  },
  "peili_request_duration_seconds": {
    kind: "histogram",
    help:
      "Seconds from a request to the headers of its answer, by listener and source.",
    labels: ["listener", "source"],
    buckets: [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10],
  },
  "peili_bytes_total": {
    kind: "counter",
    help:
      "Bytes of content: sent to a client (from local content or passed on from a peer) or received from a peer.",
    labels: ["source", "direction"],
  },
  "peili_streams": {
    kind: "gauge",
    help: "Bodies that are being sent now, by listener.",
    labels: ["listener"],
  },
  "peili_peer_failures_total": {
    kind: "counter",
    help:
      "Tries at a peer that gave nothing, by reason (missing, refused, timeout, corrupt; in mid-body broken, short, stalled, long).",
    labels: ["reason"],
  },
  "peili_resumes_total": {
    kind: "counter",
    help:
      "Bodies that broke or stalled, by what followed (resumed elsewhere, or ended so that containerd goes on upstream).",
    labels: ["outcome"],
  },
  "peili_flights_total": {
    kind: "counter",
    help:
      "Answers of homes: lead (this node goes upstream for all), follow (a pull that is under way), holders (complete copies), none.",
    labels: ["decision"],
  },
  "peili_flight_rejoins_total": {
    kind: "counter",
    help: "Bodies that lost their source and asked home for another.",
    labels: [],
  },
  "peili_flight_moves_total": {
    kind: "counter",
    help:
      "Bodies that home took off a slow source: follow, holders (to another node), lead (upstream, as the leader is slow).",
    labels: ["decision"],
  },
  "peili_flight_waits_given_up_total": {
    kind: "counter",
    help:
      "Requests that no peer of a flight served, so that they went upstream.",
    labels: [],
  },
  "peili_content": {
    kind: "gauge",
    help: "What this node shares, by kind (digest, tag).",
    labels: ["kind"],
  },
  "peili_uncaught_errors_total": {
    kind: "counter",
    help:
      "Errors that nothing caught and the node outlived, by kind (rejection, exception): each is a bug.",
    labels: ["kind"],
  },
  "peili_resident_memory_bytes": {
    kind: "gauge",
    help: "Resident memory of the process.",
    labels: [],
  },
};
