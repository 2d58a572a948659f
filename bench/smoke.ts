import { benchKernel } from './kernel.ts'
import { benchPeers } from './peers.ts'
import { measureProtocol, OPS } from './protocol.ts'

const PLANTED_MS = 200 // per run, shared by two parties

/** One iteration of each bench, without numbers: that they run and count what they say they count. */
export async function smoke(print: (line: string) => void): Promise<void> {
  const once = { n: 2, t: 2, runs: 1, warmup: 0 }
  for (const op of OPS) {
    const { bytesPerParty, perPartyMs } = await measureProtocol({ op, form: 'a', ...once })
    if (!(bytesPerParty > 0 && perPartyMs.min > 0)) throw new Error(`bench ${op} measured nothing`)
  }
  const online = await measureProtocol({ op: 'sign', form: 'c', ...once })
  if (online.bytesPerParty !== 112) throw new Error(`form (c) sent ${online.bytesPerParty} B`)
  // The positive control: a slowdown that was planted must show.
  const slowed = await measureProtocol({ op: 'sign', form: 'c', ...once, plantedMs: PLANTED_MS })
  if (slowed.perPartyMs.min < PLANTED_MS / 2) throw new Error('a planted slowdown does not show')
  if (benchKernel(undefined, 1).length === 0) throw new Error('bench kernel measured nothing')
  await benchPeers({ folder: undefined, ...once, print: () => undefined })
  print('every bench runs')
}
