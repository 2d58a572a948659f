import { isRootSignature } from '../../../protocols/agreement/chain/root-key.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { FAULT_CODES } from '../../../protocols/agreement/objects/attempt.ts'
import { testSubsets } from '../../../protocols/agreement/rules/test-subsets.ts'
import { consequence, type Fault, type PartyIndex } from '../../../protocols/session/faults.ts'
import type { LeadFault } from '../../port/messages.ts'
import { otherGuests } from '../committee.ts'
import type { Clock } from '../sessions/clock.ts'
import { digestOf } from './domains.ts'
import { NotSigned } from './not-signed.ts'
import { openLetter } from './open-letter.ts'
import type { RootRoom } from './root-room.ts'
import type { Followed, RootSigner } from './root-signer.ts'
import { narrowing, suspectsOf, type Tried } from './suspects.ts'
import {
  decodeTested,
  decodeTestedAsk,
  encodeTested,
  encodeTestedAsk,
  type TestedSubset,
} from './test-letters.ts'

/** Between two tries of a subset of which somebody was silent or not ready: silence is not guilt. */
const RETRY_MS = 500
/** What is missing is asked for again. */
const ASK_MS = 2_000
/** How long further subsets may take that tell several suspects apart: the attempt has failed already. */
const NARROW_MS = 15_000
/** What the root key says to the tests of an attempt: all subsets signed, or a fault of code 8 about a member or nobody (0). */
export type Tested =
  | { readonly passed: true }
  | { readonly passed: false; readonly code: typeof FAULT_CODES.subset; readonly about: PartyIndex }

interface Subset {
  readonly signers: readonly PartyIndex[]
  /** 65 bytes, verified; null: it failed; undefined: not known yet. */
  outcome: Uint8Array | null | undefined
}

interface Run {
  readonly recordHash: Uint8Array
  readonly digest: Uint8Array
  readonly publicKey: Uint8Array
  /** Those of the cover; behind them those that tell suspects apart. */
  readonly subsets: Subset[]
  readonly ended: PromiseWithResolvers<Tested>
  readonly over: AbortController
  isNarrowing: boolean
}

export interface SubsetTestsInit {
  readonly room: RootRoom
  readonly signer: RootSigner
  readonly clock: Pick<Clock, 'after'>
}

/**
 * S7 of an attempt in its forming room (03 §4.1): each test subset signs the record of the attempt with the new shares
 * of the root key, led by its lowest index. A member is done when it has verified a signature of every subset, whether
 * it was in it or not; what it has not heard of it asks for, also after a restart.
 */
export class SubsetTests {
  readonly #init: SubsetTestsInit
  #run: Run | undefined

  constructor(init: SubsetTestsInit) {
    this.#init = init
  }

  /** Rejects with the signal's reason alone. Another record of the same room begins anew. */
  async run(recordHash: Uint8Array, signal: AbortSignal): Promise<Tested> {
    signal.throwIfAborted()
    const run = this.#begin(recordHash)
    if (run === undefined) return failure(0)
    const stop = (): void => run.ended.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    this.#leadAll(run, run.subsets)
    const disarm = this.#asking(run)
    try {
      return await run.ended.promise
    } finally {
      run.over.abort()
      disarm()
      signal.removeEventListener('abort', stop)
    }
  }

  /** How a session ended here that another member led. */
  readonly followed: Followed = ({ domain, fields }, signers, end) => {
    const run = this.#run
    if (domain !== 'epoch-test' || run === undefined) return
    const subset = find(run, signers)
    if (subset === undefined || !sameBytes(fields.recordHash, run.recordHash)) return
    if ('signature' in end) this.#settle(run, subset, end.signature)
    else if (end.found !== undefined) this.#found(run, subset, end.found)
  }

  /** A letter `TESTED`. Throws `DecodeError`. */
  takeTested(from: PartyIndex, body: Uint8Array): void {
    const { recordHash, subsets } = decodeTested(body)
    const run = this.#run
    if (run === undefined || !sameBytes(recordHash, run.recordHash)) return
    for (const { signers, signature } of subsets) {
      const subset = find(run, signers)
      if (subset === undefined || !isNews(subset, signature)) continue
      if (signature === null && !signers.includes(from)) continue
      if (signature !== null && !isRootSignature(run.publicKey, run.digest, signature)) continue
      this.#settle(run, subset, signature)
    }
  }

  /** A letter `TESTED_ASK`: answered with all that is known here. Throws `DecodeError`. */
  takeAsk(from: PartyIndex, body: Uint8Array): void {
    const run = this.#run
    if (run !== undefined && sameBytes(decodeTestedAsk(body), run.recordHash)) this.#tell(run, from)
  }

  #begin(recordHash: Uint8Array): Run | undefined {
    const { committee, bans, rootKey } = this.#init.room
    const key = rootKey()
    if (key === undefined) throw new Error('bug: tests before the root key has its shares')
    const members = committee.guests.map(({ index }) => index)
    const { subsets } = testSubsets(members, committee.threshold, bans.all)
    // Whoever is in no subset has a share that nothing tests.
    if (!members.every((member) => subsets.some((subset) => subset.includes(member))))
      return undefined
    const statement = { domain: 'epoch-test', fields: { recordHash } } as const
    this.#run = {
      recordHash,
      digest: digestOf(committee.epochId, statement),
      publicKey: key.publicKey,
      subsets: subsets.map((signers) => ({ signers, outcome: undefined })),
      ended: Promise.withResolvers(),
      over: new AbortController(),
      isNarrowing: false,
    }
    return this.#run
  }

  /** One after the other: each takes the kernel's room for t − 1 multiplications at every signer. */
  #leadAll(run: Run, subsets: readonly Subset[]): void {
    const { me } = this.#init.room.committee
    const lead = async (): Promise<void> => {
      for (const subset of subsets)
        if (subset.signers[0] === me.index) await this.#lead(run, subset, run.over.signal)
    }
    lead().catch((error: unknown) => run.ended.reject(error)) // a defect: whoever waits learns of it
  }

  async #lead(run: Run, subset: Subset, signal: AbortSignal): Promise<void> {
    const { signer, room } = this.#init
    const fields = { recordHash: run.recordHash }
    while (subset.outcome === undefined && !signal.aborted) {
      try {
        const { signers } = subset
        const signature = await signer.lead(room, 'epoch-test', fields, signers, signal)
        this.#settle(run, subset, signature)
      } catch (error) {
        if (!(error instanceof NotSigned)) throw error
        const again = this.#judge(run, subset, error)
        if (again) await this.#pause(Math.max(error.retryAfterMs, RETRY_MS), signal)
      }
    }
  }

  /** Whether a subset that did not sign may sign later. */
  #judge(run: Run, subset: Subset, { fault, found }: NotSigned): boolean {
    if (found !== undefined) this.#found(run, subset, found)
    if (AGAIN.has(fault)) return true
    // Refused, or banned by others: they know another record or ban, and whose view is wrong nobody can tell.
    if (subset.outcome === undefined) this.#name(run, 0)
    return false
  }

  /** What this guest found itself in a session that another led: its leader may have heard no more than that it ended. */
  #found(run: Run, subset: Subset, fault: Fault): void {
    const next = consequence(fault)
    if (fault.kind === 'own-share') this.#name(run, this.#init.room.committee.me.index)
    else if ((next === 'ban' || next === 'strike') && 'from' in fault) this.#name(run, fault.from)
    else if (fault.kind === 'sum' || fault.kind === 'signature' || fault.kind === 'binding')
      this.#settle(run, subset, null)
  }

  /** Somebody is named already: nothing more is waited for. */
  #name(run: Run, about: PartyIndex): void {
    run.ended.resolve(failure(about))
  }

  #settle(run: Run, subset: Subset, outcome: Uint8Array | null): void {
    if (!isNews(subset, outcome)) return
    subset.outcome = outcome
    const { committee } = this.#init.room
    const mine = subset.signers.includes(committee.me.index)
    const told = mine && (outcome === null || subset.signers[0] === committee.me.index)
    if (told) for (const { index } of otherGuests(committee)) this.#tell(run, index, [subset])
    if (run.subsets.some(({ outcome: ended }) => ended === undefined)) return
    const tried = run.subsets.map(({ signers, outcome: ended }) => ({
      signers,
      passed: ended !== null,
    }))
    if (tried.every(({ passed }) => passed)) run.ended.resolve({ passed: true })
    else this.#search(run, tried)
  }

  /** Some failed: whose share is it? */
  #search(run: Run, tried: readonly Tried[]): void {
    const { room, clock } = this.#init
    const isAllowed = (signers: readonly PartyIndex[]): boolean =>
      room.bans.among(signers) === undefined
    const further = run.isNarrowing ? [] : narrowing(tried, room.committee.threshold, isAllowed)
    if (further.length === 0) {
      const [suspect, ...more] = suspectsOf(tried)
      this.#name(run, more.length === 0 ? (suspect ?? 0) : 0)
      return
    }
    run.isNarrowing = true
    const subsets = further.map((signers): Subset => ({ signers, outcome: undefined }))
    run.subsets.push(...subsets)
    this.#leadAll(run, subsets)
    const disarm = clock.after(NARROW_MS, () => this.#name(run, 0))
    run.over.signal.addEventListener('abort', disarm, { once: true })
  }

  #tell(run: Run, to: PartyIndex, subsets: readonly Subset[] = run.subsets): void {
    const known = subsets.flatMap(({ signers, outcome }): TestedSubset[] =>
      outcome === undefined ? [] : [{ signers, signature: outcome }],
    )
    if (known.length === 0) return
    const { router } = this.#init.room
    void router.send(to, openLetter(encodeTested({ recordHash: run.recordHash, subsets: known })))
  }

  /** Asks those that lead what is missing, again and again until the returned function is called. */
  #asking(run: Run): () => void {
    const { clock, room } = this.#init
    let disarm = (): void => undefined
    const wait = (): void => {
      disarm = clock.after(ASK_MS, () => {
        const missing = run.subsets.filter(({ outcome }) => outcome === undefined)
        for (const leader of new Set(missing.map(({ signers }) => signers[0] ?? 0)))
          if (leader !== room.committee.me.index)
            void room.router.send(leader, openLetter(encodeTestedAsk(run.recordHash)))
        wait()
      })
    }
    wait()
    return () => disarm()
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const disarm = this.#init.clock.after(ms, resolve)
    const stop = (): void => resolve()
    signal.addEventListener('abort', stop, { once: true })
    await promise
    disarm()
    signal.removeEventListener('abort', stop)
  }
}

/** Silence, a restart, no room just now, a setup that is being made: the attempt's deadline ends it. */
const AGAIN: ReadonlySet<LeadFault> = new Set([
  'timeout',
  'cancelled',
  'generation',
  'setup-missing',
  'pprf',
  'not-yet',
  'busy',
  'overloaded',
  'unreachable',
  'aborted',
])

/** A signature is proof; that a subset failed is one member's word. */
const isNews = ({ outcome }: Subset, next: Uint8Array | null): boolean =>
  outcome === undefined || (outcome === null && next !== null)

const failure = (about: PartyIndex): Tested => ({ passed: false, code: FAULT_CODES.subset, about })

const find = ({ subsets }: Run, signers: readonly PartyIndex[]): Subset | undefined =>
  subsets.find((subset) => subset.signers.join() === signers.join())
