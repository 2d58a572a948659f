import { tags } from '../protocols/crypto/tags.ts'
import type { Handle, Kernel } from '../protocols/kernel/kernel.ts'
import { wasmKernel } from '../protocols/kernel/load.ts'
import { referenceKernel } from '../protocols/kernel/reference/reference-kernel.ts'
import {
  buildAll,
  closeAt,
  correlate,
  dealKey,
  good,
  label,
  open,
  pair,
  receiveAll,
  signTogether,
} from '../test/conformance/kernel-flow.ts'
import { seeded } from '../test/support/seeded.ts'

/** One line of the table: milliseconds, with three decimals. */
export interface KernelRow {
  readonly operation: string
  readonly min: number
  readonly median: number
}

const SETUP_RUNS = 3 // seconds each with bigints
const RUNS = 30

/** Times every operation of a kernel on one thread; without an argument the reference kernel. */
export function benchKernel(
  make: (seed: string) => Kernel = (seed) => referenceKernel(seeded(seed)),
  runs: number = RUNS,
): KernelRow[] {
  const [lo, hi] = [make('lo'), make('hi')]
  const sides = pair(lo, hi)
  const { P, shares } = dealKey(sides)
  const rows: KernelRow[] = []
  const time = (operation: string, count: number, run: (i: number) => unknown): void => {
    const laps: number[] = []
    for (let i = 0; i < count; i++) {
      const start = performance.now()
      const clean = run(i)
      laps.push(performance.now() - start)
      if (typeof clean === 'function') clean()
    }
    rows.push({ operation, ...summary(laps) })
  }

  const setups = Math.min(runs, SETUP_RUNS)
  const sid = label('setup')
  const sent = Array.from({ length: setups }, () => hi.pairSend())
  const chosen: { phi: Uint8Array; receiver: Handle<'receiver'> }[] = []
  const built: { pprf: Uint8Array; bob: Handle<'bob'> }[] = []
  time('pairReceive', setups, (i) => {
    chosen.push(good(receiveAll(lo, sid, good(sent[i]).A)))
  })
  time('pairBuild', setups, (i) => {
    built.push(good(buildAll(hi, good(sent[i]).sender, sid, good(chosen[i]).phi)))
  })
  time('pairEvaluate', setups, (i) => {
    const alice = lo.pairEvaluate(good(chosen[i]).receiver, sid, good(built[i]).pprf)
    if (typeof alice === 'string') throw new Error(alice)
    return () => lo.wipe(alice)
  })

  const [{ bob, zeta }, peer] = sides
  const zetas = [{ zeta, negative: true }]
  const [lambda, epsilon] = [lo.lagrange(1, [1, 2]), new Uint8Array(32)]
  time('signBegin', runs, () => {
    const { nonce } = lo.signBegin()
    return () => lo.wipe(nonce)
  })
  time('signKey', runs, (i) => {
    const { key } = lo.signKey(shares[0], lambda, epsilon, zetas, label(`${i}`))
    return () => lo.wipe(key)
  })
  const choices: { m1: Uint8Array; choice: Handle<'choice'> }[] = []
  time('rvoleBob', runs, (i) => {
    choices.push(lo.rvoleBob(bob, label(`bench ${i}`)))
  })
  const answers: Uint8Array[] = []
  time('rvoleAlice', runs, (i) => {
    const { m1 } = good(choices[i])
    const { m2, product } = good(hi.rvoleAlice(peer.alice, label(`bench ${i}`), m1))
    answers.push(m2)
    return () => hi.wipe(product)
  })
  time('rvoleBobFinish', runs, (i) => {
    const received = lo.rvoleBobFinish(good(choices[i]).choice, good(answers[i]))
    if (typeof received === 'string') throw new Error(received)
    return () => lo.wipe(received)
  })
  const opened = Array.from({ length: runs }, (_, i) => open(sides, shares, `open ${i}`))
  time('rvoleBobFinish, signCheck, presign', runs, (i) => {
    const presignature = closeAt(0, sides, good(opened[i]))
    return () => lo.wipe(presignature)
  })
  const presignatures = opened.map((both) => closeAt(1, sides, both))
  time('online', runs, (i) => {
    hi.online(good(presignatures[i]), label('m'))
  })
  const correlated = Array.from({ length: runs }, (_, i) => correlate(sides, `made ${i}`))
  const parts = Array.from({ length: runs }, (_, i) => ({
    ...lo.signBegin(),
    ...lo.signKey(shares[0], lambda, epsilon, zetas, label(`b ${i}`)),
  }))
  const differences: Handle<'opened'>[] = []
  time('signOpenCorrelated', runs, (i) => {
    const { nonce, key } = good(parts[i])
    differences.push(lo.signOpenCorrelated(nonce, key, good(correlated[i])[0]).opened)
  })
  for (const handle of differences) lo.wipe(handle)
  for (const { nonce, key } of parts) {
    lo.wipe(nonce)
    lo.wipe(key)
  }
  for (const [, theirs] of correlated) hi.wipe(theirs)
  const signature = signTogether(sides, shares, label('m'), 'whole')
  time('ecdsaVerify', runs, () => {
    lo.ecdsaVerify(P, label('m'), signature)
  })
  time('signature, form (a), both parties', runs, (i) => {
    signTogether(sides, shares, label('m'), `whole ${i}`)
  })

  time('dealBegin, t = 2', runs, () => {
    const { deal } = lo.dealBegin(2, 1)
    return () => lo.wipe(deal)
  })
  const { F, deal } = lo.dealBegin(2, 64)
  time('dealProve, t = 2, 64 keys', setups, () => {
    lo.dealProve(deal, sid, label('me'))
  })
  const proofs = lo.dealProve(deal, sid, label('me'))
  const statements = Array.from({ length: 128 }, (_, at) => ({
    sid,
    guest: label('me'),
    index: at >> 1,
    coefficient: at & 1,
    Y: F.subarray(33 * at, 33 * at + 33),
    proof: proofs.subarray(65 * at, 65 * at + 65),
  }))
  time('verifyPoks, 128', setups, () => {
    if (!lo.verifyPoks(statements)) throw new Error('proofs refused')
  })
  const values = lo.dealShare(deal, 3)
  time('verifyFeldman, t = 2, 64 keys', setups, () => {
    if (!lo.verifyFeldman(values, 3, F, 2)) throw new Error('shares refused')
  })
  lo.wipe(deal)
  const batch = Array.from({ length: 32 }, () => [new Uint8Array(9_232), new Uint8Array(49_248)])
  time('oracle, all messages of a batch of 16', setups, () => {
    lo.oracle(tags.correlationTranscript, 32, ...batch.flat())
  })
  return rows
}

/** Both kernels side by side, minima and medians in milliseconds. */
export function compareKernels(print: (line: string) => void): void {
  const wasm = benchKernel((seed) => wasmKernel(seeded(seed)))
  const reference = benchKernel()
  print('| operation | WASM | reference | ratio of minima |')
  print('|---|---|---|---|')
  for (const [at, { operation, min, median }] of wasm.entries()) {
    const other = good(reference[at])
    const ratio = (other.min / min).toFixed(1)
    print(`| ${operation} | ${min} / ${median} | ${other.min} / ${other.median} | ${ratio} |`)
  }
}

function summary(laps: readonly number[]): { min: number; median: number } {
  const sorted = [...laps].sort((a, b) => a - b)
  const round = (value: number | undefined): number => Number((value ?? 0).toFixed(3))
  return { min: round(sorted[0]), median: round(sorted[sorted.length >> 1]) }
}
