import { Counter, Gauge, Registry } from 'prom-client'

/** The numbers of the network (spec "Network", 07 §12). No label names a peer that is no member. */
export interface NetworkMetrics {
  readonly registry: Registry
  readonly linkUp: Gauge<'member'>
  readonly linkRtt: Gauge<'member'>
  readonly linkSuspect: Counter
  readonly linkReplaced: Counter
  readonly linkBytes: Counter<'member' | 'lane' | 'direction'>
  readonly linkQueue: Gauge<'member' | 'lane'>
  readonly linkPaused: Counter
  readonly linkRefused: Counter<'reason'>
  readonly linkIgnored: Counter
  readonly letters: Counter<'direction'>
  readonly lettersDropped: Counter<'reason'>
  readonly dials: Counter<'result'>
  readonly dhtRecords: Gauge<'namespace'>
  readonly dhtRefused: Counter<'namespace' | 'reason'>
  readonly tableSize: Gauge
  readonly peersBlocked: Gauge
  readonly streamErrors: Counter<'name'>
}

/** Registers every metric once; a second call needs another registry. */
export function createMetrics(registry: Registry = new Registry()): NetworkMetrics {
  const registers = [registry]
  const count = <L extends string = never>(
    name: string,
    help: string,
    labelNames: L[] = [],
  ): Counter<L> => new Counter({ name: `holdfast_${name}`, help, labelNames, registers })
  const gauge = <L extends string = never>(
    name: string,
    help: string,
    labelNames: L[] = [],
  ): Gauge<L> => new Gauge({ name: `holdfast_${name}`, help, labelNames, registers })
  return {
    registry,
    linkUp: gauge('link_up', '1 while the link with a member is up', ['member']),
    linkRtt: gauge('link_rtt_seconds', 'Median round trip of the last nine pings', ['member']),
    linkSuspect: count('link_suspect_total', 'Times a member fell silent for six seconds'),
    linkReplaced: count('link_replaced_total', 'Links replaced by a newer stream of the opener'),
    linkBytes: count('link_bytes_total', 'Bytes of envelopes', ['member', 'lane', 'direction']),
    linkQueue: gauge('link_queue_bytes', 'Bytes waiting to be sent', ['member', 'lane']),
    linkPaused: count('link_paused_seconds_total', 'Time that streams were paused for our guest'),
    linkRefused: count('link_refused_total', 'Link streams and links ended for a reason', [
      'reason',
    ]),
    linkIgnored: count('link_ignored_total', 'Frames of a later version'),
    letters: count('letters_total', 'Letters of the committee taken by a host', ['direction']),
    lettersDropped: count('letters_dropped_total', 'Letters that could not be brought', ['reason']),
    dials: count('dial_total', 'Dials of the redial loop', ['result']),
    dhtRecords: gauge('dht_records', 'Verified records in memory', ['namespace']),
    dhtRefused: count('dht_refused_total', 'Records refused', ['namespace', 'reason']),
    tableSize: gauge('dht_table_size', 'Peers in the routing table'),
    peersBlocked: gauge('peers_blocked', 'Peers blocked at present'),
    streamErrors: count('stream_errors_total', 'Errors of streams that nobody awaited', ['name']),
  }
}
