import assert from 'node:assert/strict'
import type { OperatorAnswer } from '../../../enclave-runtime/host/guest.ts'
import { answerGenesis } from '../../../src/node/answer-genesis.ts'
import { Roster } from '../../../src/node/committee/roster.ts'
import { silentLog } from '../../../src/node/log.ts'
import { NETWORK_ID, testMembers, viewOf } from './support/test-network.ts'

const signature = new Uint8Array(64).fill(3)
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('answerGenesis()', () => {
  const setUp = async (answers: (() => Promise<void>)[], given: Uint8Array | null = signature) => {
    const members = await testMembers(3, 'genesis answers')
    const asked: OperatorAnswer[] = []
    const answer = async (one: OperatorAnswer): Promise<void> => {
      asked.push(one)
      await answers.shift()?.()
    }
    const genesis = viewOf(members, { standing: 'genesis' })
    const roster = new Roster(genesis, members[0]?.guestSig ?? null)
    answerGenesis({ answer }, roster, NETWORK_ID, given, silentLog)
    return { asked, roster, genesis, members }
  }

  it('gives the yes once the guest waits for epoch 0, and not again', async () => {
    const { asked, roster, genesis } = await setUp([])
    assert.deepEqual(asked, [])
    roster.follow(genesis)
    await turn()
    roster.follow(genesis)
    await turn()
    assert.deepEqual(asked, [
      { proposalHash: NETWORK_ID, yes: true, seq: 1, operatorSig: signature },
    ])
  })

  it('gives it again with the next view where the guest did not take it', async () => {
    const { asked, roster, genesis } = await setUp([() => Promise.reject(new Error('busy'))])
    roster.follow(genesis)
    await turn()
    roster.follow(genesis)
    await turn()
    assert.equal(asked.length, 2)
  })

  it('gives nothing to a guest that is a member already, and nothing that was not signed', async () => {
    const member = await setUp([])
    member.roster.follow(viewOf(member.members, { epoch: { e: 0, k: 1 } }))
    const unsigned = await setUp([], null)
    unsigned.roster.follow(unsigned.genesis)
    await turn()
    assert.deepEqual([member.asked, unsigned.asked], [[], []])
  })

  it('is content with a guest that has it from before a restart', async () => {
    const meanwhile = Object.assign(new Error('no'), { code: 'ANSWERED_MEANWHILE' })
    const { asked, roster, genesis } = await setUp([() => Promise.reject(meanwhile)])
    roster.follow(genesis)
    await turn()
    roster.follow(genesis)
    await turn()
    assert.equal(asked.length, 1)
  })
})
