import assert from 'node:assert/strict'
import type { AnyHandle, Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import type { Party } from '../../../protocols/session/round.ts'
import { Scratch } from '../../../protocols/session/scratch.ts'
import { fromCorrelations } from '../../../protocols/sign/from-correlations.ts'
import type { Name } from '../../../protocols/sign/messages.ts'

const bytes = (value: number, length = 32) => new Uint8Array(length).fill(value)
const guest = (index: PartyIndex, id: number) => ({ index, id: bytes(id) })
const MINE = 1111 as Handle<'correlation'>
const THEIRS = 2222 as Handle<'correlation'>

describe('a name that is heard after the run failed', () => {
  it('takes its correlation, and leaves it in nobody’s hands', async () => {
    const wiped: AnyHandle[] = []
    const wipe = (handle: AnyHandle) => void wiped.push(handle)
    const scratch = new Scratch<AnyHandle>(wipe)
    let hear: ((name: Name, from: PartyIndex) => void) | undefined
    const fault = { kind: 'malformed', round: 'sign/1-name', from: 2, reason: 'no R1' } as const
    const party = {
      me: 1,
      everyone: [1, 2, 3],
      instanceId: bytes(0),
      publish: async (_: unknown, __: unknown, each: typeof hear) => {
        hear = each
        throw new ProtocolError(fault)
      },
    } as unknown as Party
    const steps = fromCorrelations(
      {
        party,
        kernel: { wipe } as Kernel,
        random: (length) => new Uint8Array(length),
        mine: guest(1, 8),
        others: [guest(2, 9), guest(3, 7)], // 1 is lo of the pair with 2, and hi of that with 3
        scratch,
        pairWith: () => {
          throw new Error('no setup is asked for')
        },
      },
      {
        name: () => ({ id: bytes(1, 16), secret: MINE }),
        named: () => ({ id: bytes(2, 16), secret: THEIRS }),
      },
    )
    const own = { nonce: bytes(1), commitment: bytes(2), prefixes: bytes(3, 16) }
    await assert.rejects(steps.commit(own), ProtocolError)
    scratch.wipe()
    assert.deepEqual(wiped, [MINE])
    hear?.({ ...own, correlationIds: bytes(2, 16) }, 3)
    assert.deepEqual(wiped, [MINE, THEIRS])
  })
})
