import { measureCommittee } from './committee.ts'
import { benchKernel } from './kernel.ts'
import { benchLeaks } from './leak.ts'
import { runScenario } from './network.ts'
import { benchPeers } from './peers.ts'
import { measureProtocol } from './protocol.ts'
import { TARGETS, verdictOf } from './targets.ts'

const LEAST_EXPLAINED = 0.95 // by the phases of a request (10 §6.4)
const PLANTED_MS = 200 // per run, shared by two parties

/** One iteration of each bench, without numbers: that they run and count what they say they count. */
export async function smoke(print: (line: string) => void): Promise<void> {
  const once = { runs: 1, warmup: 0, kernel: 'wasm' } as const
  for (const target of TARGETS) {
    const { bytesPerParty, perPartyMs } = await measureProtocol({ ...target.bench, ...once })
    if (!(bytesPerParty > 0 && perPartyMs.min > 0) || verdictOf(target, perPartyMs.min) === '')
      throw new Error(`bench ${target.name} measured nothing`)
    if (target.bytes !== undefined && bytesPerParty !== target.bytes)
      throw new Error(`${target.name} sent ${bytesPerParty} B, not ${target.bytes}`)
  }
  const online = { op: 'sign', form: 'c', n: 2, t: 2, ...once } as const
  const reference = await measureProtocol({ ...online, op: 'key', kernel: 'reference' })
  if (reference.details.kernel !== 'reference') throw new Error('another kernel than asked for')
  // The positive control: a slowdown that was planted must show.
  const slowed = await measureProtocol({ ...online, plantedMs: PLANTED_MS })
  if (slowed.perPartyMs.min < PLANTED_MS / 2) throw new Error('a planted slowdown does not show')
  const { bytes, byRootKey } = await measureCommittee(3, 2, 1)
  if (!(bytes > 0 && byRootKey.min > 0)) throw new Error('bench committee measured nothing')
  if (benchKernel(undefined, 1).length === 0) throw new Error('bench kernel measured nothing')
  let rows = 0
  await benchLeaks(1_000, () => {
    rows++
  })
  if (rows < 5) throw new Error('bench leak measured nothing')
  await benchPeers({ folder: undefined, print: () => undefined })
  const stages = [{ kind: 'sequential', form: 'c', runs: 1, pauseMs: 0 }] as const
  const network = { nodes: 3, threshold: 2, kernel: 'default', stages } as const
  const [signed] = (await runScenario(network, () => undefined)) ?? []
  if (signed?.latency.count !== 1 || signed.phases.explained < LEAST_EXPLAINED)
    throw new Error('bench network measured nothing')
  print('every bench runs')
}
