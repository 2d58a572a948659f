import { committeeIdOf } from '../../../protocols/agreement/genesis.ts'
import type { Directory } from '../discovery/directory.ts'
import { Republish } from '../discovery/republish.ts'
import type { Log } from '../log.ts'
import type { NetworkMetrics } from '../metrics.ts'
import type { CommitteeFile } from './committee-file.ts'
import { CommitteeRecords, committeeKey, netKey } from './committee-records.ts'
import { KnownCommittee } from './known-committee.ts'

const AGAIN_MS = 10_000 // at most one extra publication, and one extra look, in this time
const LOOK_MS = 10_000

export interface CommitteePublisherInit {
  readonly networkId: Uint8Array
  readonly file: CommitteeFile
  readonly metrics: NetworkMetrics
  readonly log: Log
  readonly now: () => number
  readonly directory: () => Directory
  isReady(): boolean
  /** Asks members what the newest committee is. */
  askNewest(signal: AbortSignal): Promise<void>
}

/**
 * Keeps the newest committee of the network that was ever verified, and the directory in step with it: publishes every
 * 20 min and when somebody has less, looks around when somebody has more (03 §3.1).
 */
export class CommitteePublisher {
  readonly known: KnownCommittee
  readonly records: CommitteeRecords
  readonly #init: CommitteePublisherInit
  readonly #republish: Republish
  readonly #keys: readonly string[]
  #publishedAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(init: CommitteePublisherInit) {
    this.#init = init
    const { networkId, file, metrics, log, now } = init
    const committeeId = committeeIdOf(networkId, 0)
    this.#keys = [committeeKey(committeeId), netKey(networkId)]
    this.known = new KnownCommittee({
      networkId,
      committeeId,
      now,
      save: (kept) => file.save(kept),
      onNewer: ({ committee: { cert } }) => {
        log.info('committee-known', { epoch: cert.record.e, attempt: cert.record.k })
        this.#republish.refresh()
      },
    })
    this.records = new CommitteeRecords(
      this.known,
      { networkId, committeeId },
      {
        refused: (namespace, reason) => metrics.dhtRefused.inc({ namespace, reason }),
        stale: () => this.#again(),
        behind: () => this.#look(),
      },
    )
    this.#republish = new Republish({
      publish: (signal) => this.#publish(signal),
      isReady: init.isReady,
      log,
    })
  }

  /** What was known before the process started. @throws ConfigError where the file is not what was written. */
  async load(): Promise<void> {
    this.known.restore(await this.#init.file.load())
  }

  start(): void {
    this.#republish.start()
  }

  stop(): void {
    this.#republish.stop()
  }

  /** What the own guest publishes; an older one than this host knows is not passed on. */
  async adopt(published: Uint8Array): Promise<void> {
    const adopted = await this.known.adopt(published)
    if (adopted === 'fork') this.#init.log.error('committee-fork')
    if (adopted === 'older') this.#init.log.debug('committee-older')
  }

  /** Its own records first; then what others have, which may be more. */
  async #publish(signal: AbortSignal): Promise<void> {
    const directory = this.#init.directory()
    for (const record of this.records.own()) await directory.publish(record)
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
    for (const key of this.#keys) await directory.find(key, bounded)
  }

  #again(): void {
    const now = performance.now()
    if (now - this.#publishedAt < AGAIN_MS) return
    this.#publishedAt = now
    this.#republish.refresh()
  }

  #look(): void {
    const now = performance.now()
    if (now - this.#lookedAt < AGAIN_MS) return
    this.#lookedAt = now
    const bounded = AbortSignal.timeout(LOOK_MS)
    void this.#init.askNewest(bounded)
  }
}
