import { equal, ok } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { meteredKernel } from '../../../../enclave-runtime/guest/background/metered-kernel.ts'
import { nextTurn } from '../../../../enclave-runtime/guest/pairs/next-turn.ts'
import { produceCorrelations } from '../../../../protocols/correlations/produce.ts'
import type { Kernel } from '../../../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../../../protocols/kernel/load.ts'
import { type PairSetup, setUpPair } from '../../../../protocols/pair-setup/set-up-pair.ts'
import type { Guest } from '../../../../protocols/session/guest.ts'
import {
  committeeOf,
  generateFor,
  setUpPairs,
  signWith,
} from '../../../../protocols/simulation/committee.ts'
import { simulate } from '../../../../protocols/simulation/simulate.ts'

const COUNT = 16
/** Operations of the kernel, the hashes of its oracle among them, each of a few ms at most. */
const MOST_OF_SETUP = 8
const MOST_OF_BATCH = COUNT + 4 // each correlation is packed in one of them
const MOST_OF_SIGNATURE = 12
const NETWORK = new Uint8Array(32).fill(1)
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const GUESTS: readonly Guest[] = [1, 2].map((index) => ({
  index,
  id: new Uint8Array(32).fill(index),
}))

/** What one party's part of a conversation does to the loop that it runs in. */
class Watched {
  readonly kernel: Kernel
  longestMs = 0
  breaths = 0
  /** The most operations of the kernel between two breaths. */
  longestRun = 0
  /** The same within one synchronous stretch, that nothing at all can interrupt. */
  longestStretch = 0
  #since = performance.now()

  constructor() {
    // The other party runs in the same loop: only what this one's kernel does between breaths is counted.
    this.kernel = meteredKernel(
      wasmKernel(random),
      () => performance.now(),
      (ms) => this.#add(ms),
    )
  }

  #run = 0
  #operations = 0
  #stretch = 0
  #add(ms: number): void {
    this.#run += ms
    this.longestMs = Math.max(this.longestMs, this.#run)
    this.longestRun = Math.max(this.longestRun, ++this.#operations)
    if (this.#stretch === 0)
      queueMicrotask(() => {
        this.#stretch = 0
      })
    this.longestStretch = Math.max(this.longestStretch, ++this.#stretch)
  }

  readonly breathe = async (): Promise<void> => {
    this.breaths += 1
    this.#run = 0
    this.#operations = 0
    await nextTurn()
  }

  /** What was found since the last time. */
  report(): { breaths: number; longestMs: number; longestRun: number; wholeMs: number } {
    const { breaths, longestMs, longestRun } = this
    const now = performance.now()
    const wholeMs = now - this.#since
    this.breaths = 0
    this.longestMs = 0
    this.longestRun = 0
    this.#run = 0
    this.#operations = 0
    this.#since = now
    return { breaths, longestMs, longestRun, wholeMs }
  }
}

describe('the main loop of a guest, with the WASM kernel', function () {
  this.timeout(120_000)
  const parties = [new Watched(), new Watched()]
  const setups: PairSetup[] = []

  const converse = async <T>(run: (me: number, party: never) => Promise<T>): Promise<T[]> => {
    const results = await simulate([1, 2], random(32), (party) => run(party.me, party as never))
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason
      return result.value
    })
  }
  const of = (me: number): Watched => parties[me - 1] ?? new Watched()
  const pairOf = (me: number) => {
    const [mine, theirs] = me === 1 ? GUESTS : GUESTS.toReversed()
    if (mine === undefined || theirs === undefined) throw new Error('no pair')
    return { networkId: NETWORK, epochId: NETWORK, mine, theirs, breathe: of(me).breathe }
  }
  const said: string[] = []
  const note = (what: string) => {
    const [first] = parties.map((party) => party.report())
    if (first === undefined) throw new Error('nobody was watched')
    const { breaths, longestMs, longestRun, wholeMs } = first
    said.push(
      `${what}: ${breaths} breaths, ${longestRun} operations and ${longestMs.toFixed(1)} ms of kernel at most between two, ${wholeMs.toFixed(0)} ms in all for both sides`,
    )
    return first
  }

  after(() => {
    for (const line of said) process.stdout.write(`      ${line}\n`)
  })

  it('breathes after each step of a pair setup', async () => {
    setups.push(
      ...(await converse((me, party) =>
        setUpPair(party, of(me).kernel, random, { ...pairOf(me), attempt: 0 }),
      )),
    )
    const { breaths, longestRun } = note('pair setup')
    ok(breaths >= 16, `${breaths} breaths`)
    ok(longestRun <= MOST_OF_SETUP, `${longestRun} operations between two breaths`)
  })

  it('breathes after each multiplication of a batch of correlations', async () => {
    const batches = await converse((me, party) => {
      const pair = setups[me - 1]
      if (pair === undefined) throw new Error('no setup')
      return produceCorrelations(party, of(me).kernel, random, {
        ...pairOf(me),
        pair,
        bootId: new Uint8Array(16).fill(me),
        batchNo: 1,
        count: COUNT,
        initiator: me === 1,
      })
    })
    equal(batches[0]?.correlations.length, COUNT)
    const { breaths, longestRun } = note(`batch of ${COUNT}`)
    ok(breaths >= 3 * COUNT, `${breaths} breaths`)
    ok(longestRun <= MOST_OF_BATCH, `${longestRun} operations between two breaths`)
  })

  it('waits for messages after few operations of a signature in full', async () => {
    const kernels = new Map([1, 2].map((index) => [index, new Watched()]))
    const kernelOf = (index: number) => kernels.get(index)?.kernel ?? new Watched().kernel
    const forget = () => {
      for (const watched of kernels.values()) watched.longestStretch = 0
    }
    const committee = committeeOf(2, 2, random, kernelOf)
    await setUpPairs(committee)
    const [key] = await generateFor(committee, 1)
    if (key === undefined) throw new Error('no key')
    forget() // of the setups and of the key
    const began = performance.now()
    const signatures = await signWith(committee, key, [1, 2], random(32), 'full')
    said.push(`signature in full: ${(performance.now() - began).toFixed(1)} ms for both sides`)
    equal(signatures.length, 2)
    for (const { longestStretch } of kernels.values()) {
      said.push(`signature in full: ${longestStretch} operations at a stretch`)
      ok(
        longestStretch > 0 && longestStretch <= MOST_OF_SIGNATURE,
        `${longestStretch} at a stretch`,
      )
    }
  })
})
