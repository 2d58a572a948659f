import assert from 'node:assert/strict'
import { chmod, readFile } from 'node:fs/promises'
import { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { joinHash, Leave, SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import { Answer, Proposal } from '../../../protocols/agreement/objects/proposal.ts'
import { isSignedBy, signed, signObject } from '../../../protocols/agreement/objects/signed.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { changeOf } from '../../../protocols/agreement/rules/change.ts'
import { brokenAnswer } from '../../../protocols/agreement/rules/start-rules.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import type { OperatorAnswer, Wish } from '../../../src/node/operator/messages.ts'
import {
  exampleJoin,
  exampleNext,
  exampleProposal,
  guestOf,
  TIME,
} from '../../protocols/agreement/example-epochs.ts'
import { runWith } from './fake-context.ts'
import { FakeOwnNode, toHex } from './fake-own-node.ts'

const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

describe('epoch commands', () => {
  let own: FakeOwnNode
  let asks: string[] = []
  let typed = ''
  beforeEach(async () => {
    own = await FakeOwnNode.create()
    asks = []
    typed = ''
  })
  afterEach(async () => {
    await own.remove()
  })

  const run = (...args: string[]) =>
    runWith(
      [...args, '--dir', '/node'],
      { ownNode: async () => own.own() },
      {
        now: () => TIME,
        ask: async (question) => {
          asks.push(question)
          return typed
        },
      },
    )
  const base = () => baseOfRecord(own.first.record)
  /** Opens the proposal that node 7 joins, proposed by member 2. */
  const openJoin = () => {
    const join = exampleJoin(base(), 7)
    const proposal = exampleProposal(base(), {
      kind: 1,
      joins: [joinHash(join)],
      t: 4,
      proposerIndex: 2,
    })
    const hash = toHex(Proposal.hash(proposal.object))
    own.status = {
      ...own.status,
      proposals: [{ hash, kind: 1, proposer: 2, expiresAt: TIME + 60_000, yes: [2, 3], no: [5] }],
    }
    own.replies = {
      proposal: () => ({
        proposal: toHex(signed(Proposal).encode(proposal)),
        joins: [toHex(SignedJoin.encode(join))],
        seq: 4,
      }),
      answer: () => ({ done: true }),
    }
    return { hash, proposal, join }
  }
  const answered = (): OperatorAnswer | undefined =>
    own.asked.find(({ method }) => method === 'answer')?.params as OperatorAnswer | undefined

  describe('accept and reject', () => {
    it("shows the change, asks for the first digits, and signs with the operator's key what everybody will check", async () => {
      const { hash, proposal, join } = openJoin()
      typed = `${hash.slice(0, 8)}\n`
      const { code, stdout, stderr } = await run('epoch', 'accept', hash.slice(0, 8))
      assert.equal(code, 0, stderr)
      assert.match(stdout, /\+ member 6 {2}node 7/)
      assert.match(stdout, /accepted .*: 3 of 4 yes/)
      assert.equal(asks.length, 1)
      assert.match(asks[0] ?? '', new RegExp(hash))
      const { yes, seq, operatorSig, proposalHash } = answered() ?? assert.fail()
      assert.deepEqual([yes, seq, proposalHash], [true, 4, hash])
      const answer: Answer = {
        committeeId: base().committeeId,
        baseHash: base().hash,
        proposalHash: fromHex(hash),
        seq,
        yes,
        index: 1,
        operatorSig: fromHex(operatorSig ?? ''),
      }
      const [me = assert.fail()] = base().members
      const full = signObject(Answer, answer, base().networkId, guestOf(me))
      assert.equal(brokenAnswer(base(), changeOf(proposal.object, [join]), full), undefined)
      assert.equal(own.closed, 1)
    })

    it('answers nothing when the digits are others', async () => {
      const { hash } = openJoin()
      typed = '00000000'
      const { code } = await run('epoch', 'accept', hash)
      assert.equal(code, EXIT.refused)
      assert.equal(answered(), undefined)
    })

    it('takes the digits of a script, and needs no key to say no', async () => {
      const { hash } = openJoin()
      await chmod(own.keyOf(1), 0o644)
      const { code, json } = await run(
        'epoch',
        'reject',
        hash,
        '--yes-digits',
        hash.slice(0, 8),
        '--json',
      )
      assert.equal(code, 0)
      assert.deepEqual([json()['yes'], json()['accepted']], [false, 2])
      assert.deepEqual(asks, [])
      assert.deepEqual(answered(), { proposalHash: hash, yes: false, seq: 4, operatorSig: null })
    })

    it('refuses a key that is open to others, or of another member', async () => {
      const { hash } = openJoin()
      const accept = (...more: string[]) =>
        run('epoch', 'accept', hash, '--yes-digits', hash.slice(0, 8), ...more)
      assert.match((await accept('--operator-key', own.keyOf(2))).stderr, /not the operator key/)
      await chmod(own.keyOf(1), 0o644)
      const { code, stderr } = await accept()
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /chmod 600/)
      assert.equal(answered(), undefined)
    })

    it('believes no node that shows another proposal than that of the hash', async () => {
      const { hash } = openJoin()
      const other = exampleProposal(base(), { proposerIndex: 3 })
      own.replies = {
        ...own.replies,
        proposal: () => ({
          proposal: toHex(signed(Proposal).encode(other)),
          joins: [],
          seq: 1,
        }),
      }
      const { code, stderr } = await run('epoch', 'accept', hash, '--yes-digits', hash.slice(0, 8))
      assert.equal(code, EXIT.failed)
      assert.match(stderr, /another proposal/)
      assert.equal(answered(), undefined)
    })

    it('believes no node that names a base and shows another record', async () => {
      const { hash } = openJoin()
      own.status = { ...own.status, baseHash: 'ab'.repeat(32) }
      const { code } = await run('epoch', 'accept', hash, '--yes-digits', hash.slice(0, 8))
      assert.equal(code, EXIT.failed)
      assert.equal(answered(), undefined)
    })

    it('never accepts what breaks a rule', async () => {
      openJoin()
      const proposal = exampleProposal(base(), {
        kind: 1,
        leaves: [1, 2, 3].map((index) => ({ index, reason: 1 as const })),
      })
      const hash = toHex(Proposal.hash(proposal.object))
      const [open = assert.fail()] = own.status.proposals
      own.status = { ...own.status, proposals: [{ ...open, hash }] }
      own.replies = {
        ...own.replies,
        proposal: () => ({
          proposal: toHex(signed(Proposal).encode(proposal)),
          joins: [],
          seq: 1,
        }),
      }
      const { code, stderr } = await run('epoch', 'accept', hash, '--yes-digits', hash.slice(0, 8))
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /R4|R5/)
      assert.equal(answered(), undefined)
    })

    it('wants a hash of eight digits or more, of one that is open', async () => {
      const { hash } = openJoin()
      assert.match((await run('epoch', 'accept', hash.slice(0, 7))).stderr, /8 digits or more/)
      assert.match((await run('epoch', 'accept', 'ffffffff')).stderr, /no open proposal/)
    })
  })

  describe('propose', () => {
    const wishes = (): Wish[] =>
      own.asked.filter(({ method }) => method === 'propose').map(({ params }) => params as Wish)
    beforeEach(() => {
      own.replies = { propose: () => ({ proposalHash: 'cd'.repeat(32) }) }
    })

    it('a refresh changes nothing, with the time that the parameters say', async () => {
      for (const args of [['refresh'], ['epoch', 'propose', 'refresh']]) {
        const { code, stdout, stderr } = await run(...args)
        assert.equal(code, 0, stderr)
        assert.match(stdout, /nobody comes or goes/)
        assert.match(stdout, new RegExp(`proposed ${'cd'.repeat(32)}`))
      }
      assert.deepEqual(wishes()[0], {
        kind: 2,
        joins: [],
        leaves: [],
        t: 3,
        params: null,
        allowAdd: [],
        allowDrop: [],
        unban: [],
        expiresAt: TIME + 60_000,
      })
      assert.equal((await run('refresh', '--threshold', '4')).code, EXIT.refused)
    })

    it('a removal keeps the threshold where it may, and takes the nearest where it may not', async () => {
      await run('epoch', 'propose', 'remove', '5', '--hours', '2')
      await run('epoch', 'propose', 'remove', '4', '5', '--fault', '--threshold', '2')
      assert.deepEqual(
        wishes().map(({ leaves, t, expiresAt }) => ({ leaves, t, expiresAt })),
        [
          { leaves: [{ index: 5, reason: 1 }], t: 3, expiresAt: TIME + 7_200_000 },
          {
            leaves: [
              { index: 4, reason: 2 },
              { index: 5, reason: 2 },
            ],
            t: 2,
            expiresAt: TIME + 60_000,
          },
        ],
      )
    })

    it('an addition takes the joins that wait, or those that are named', async () => {
      const joins = [7, 8].map((id) => exampleJoin(base(), id))
      own.status = { ...own.status, joins: joins.map((join) => toHex(SignedJoin.encode(join))) }
      await run('epoch', 'propose', 'add')
      const [, second = assert.fail()] = joins
      const guest = toHex(second.object.guestSig)
      await run('epoch', 'propose', 'add', guest.slice(0, 12), '--remove', '5')
      assert.deepEqual(
        wishes().map((wish) => [wish.joins.length, wish.leaves.length, wish.t]),
        [
          [2, 0, 4],
          [1, 1, 3],
        ],
      )
      assert.match((await run('epoch', 'propose', 'add', 'ffffffff')).stderr, /no join of guest/)
      own.status = { ...own.status, joins: [] }
      const { code, stderr } = await run('epoch', 'propose', 'add')
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /holdfast join/)
    })

    it('bundles and parameters', async () => {
      await run('epoch', 'propose', 'allow', '--add', 'aa'.repeat(32))
      await run('epoch', 'propose', 'params', '--threshold', '4', '--refresh-hours', '24')
      const [allow, params] = wishes()
      assert.deepEqual(allow?.allowAdd, ['aa'.repeat(32)])
      assert.equal(params?.t, 4)
      assert.notEqual(params?.params, null)
      assert.equal((await run('epoch', 'propose', 'allow')).code, EXIT.refused)
      assert.equal((await run('epoch', 'propose', 'allow', '--add', 'aa')).code, EXIT.refused)
    })

    it('is not sent when it breaks a rule', async () => {
      const { code, stderr } = await run('epoch', 'propose', 'remove', '3', '4', '5')
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /R4|R5/)
      assert.deepEqual(wishes(), [])
    })

    it('writes the proposal to a file when asked to', async () => {
      const proposal = exampleProposal(base())
      own.replies = {
        ...own.replies,
        proposal: () => ({ proposal: toHex(signed(Proposal).encode(proposal)), joins: [], seq: 1 }),
      }
      const file = own.file('proposal.json')
      assert.equal((await run('refresh', '--out', file)).code, 0)
      const text = JSON.parse(await readFile(file, 'utf8'))
      assert.equal(text.proposalHash, 'cd'.repeat(32))
    })
  })

  describe('status', () => {
    it('shows who is there and who answered what, and says whose answer is missing', async () => {
      const { hash } = openJoin()
      const [first = assert.fail(), ...others] = own.status.members
      own.status = {
        ...own.status,
        members: [first, ...others.with(2, { ...others[2], silentMs: 90_000 } as typeof first)],
      }
      const { code, stdout, stderr } = await run('epoch', 'status')
      assert.equal(code, EXIT.needsOperators)
      assert.match(stdout, /1 +node 1 \(this\) +now +yes +-/)
      assert.match(stdout, /2 +node 2 +now +yes +yes/)
      assert.match(stdout, /4 +node 4 +2 min ago +yes +-/)
      assert.match(stdout, /5 +node 5 +now +yes +no/)
      assert.match(stderr, /2 of 4 yes; no answer of members 1, 4/)
      assert.match(stderr, new RegExp(`holdfast epoch accept ${hash}`))
    })

    it('ends with 0 when nothing is open, and says so to scripts', async () => {
      const { code, json } = await run('epoch', 'status', '--json')
      assert.equal(code, 0)
      assert.deepEqual(json()['advice'], [])
      assert.equal(json()['me'], 1)
    })

    it('ends with 4 while an attempt goes on, and with 5 once somebody that it needs is silent', async () => {
      const attempt = {
        e: 1,
        k: 2,
        proposalHash: 'ab'.repeat(32),
        step: 'reshare',
        initiator: 3,
        deadline: TIME + 30_000,
        round: 0,
        missing: [2, 4],
        inDoubtSince: null,
      }
      own.status = { ...own.status, attempt }
      const waiting = await run('epoch', 'status')
      assert.equal(waiting.code, EXIT.waiting)
      assert.match(waiting.stdout, /epoch 1, attempt 2: reshare/)
      assert.match(waiting.stderr, /READY is missing of members 2, 4, 30 s left/)
      const members = own.status.members.map((member) =>
        member.index === 4 ? { ...member, silentMs: 60_000 } : member,
      )
      own.status = { ...own.status, members }
      const silent = await run('epoch', 'status')
      assert.equal(silent.code, EXIT.needsOperators)
      assert.match(
        silent.stderr,
        /bring back member 4, or when it is lost: holdfast epoch propose remove 4/,
      )
    })

    it('calls it a partition when too few are heard for any decision', async () => {
      const members = own.status.members.map((member) =>
        member.index > 3 ? { ...member, silentMs: 60_000 } : member,
      )
      openJoin()
      const [open = assert.fail()] = own.status.proposals
      own.status = { ...own.status, members, proposals: [{ ...open, yes: [1, 2, 3, 4] }] }
      const { stderr } = await run('epoch', 'status')
      assert.match(stderr, /3 of 5 are heard and 4 decide, so this is a partition/)
    })
  })

  describe('history', () => {
    const certs = () => {
      const next = exampleNext(
        base(),
        { kind: 1, t: 4, joins: [joinHash(exampleJoin(base(), 7))] },
        [exampleJoin(base(), 7)],
      )
      return [own.first.cert, next.cert]
    }
    const serve = (all: readonly EpochCert[]) => {
      own.replies = {
        history: ({ from }) => ({
          certs: all.slice(from, from + 1).map((cert) => toHex(EpochCert.encode(cert))),
          next: from + 1 < all.length ? from + 1 : null,
        }),
      }
    }

    it('shows every epoch, and verifies the chain from the genesis file', async () => {
      serve(certs())
      const { code, stdout } = await run('epoch', 'history', '--verify')
      assert.equal(code, 0)
      assert.match(stdout, /0\.1 .* genesis .* 3 of 5/)
      assert.match(stdout, /1\.1 .* change .* 4 of 6 .* \+6/)
      assert.match(stdout, /verified: 2 epochs/)
    })

    it('refuses a chain with a decision of too few', async () => {
      const [first = assert.fail(), second = assert.fail()] = certs()
      serve([first, { ...second, commits: second.commits.slice(1) }])
      assert.equal((await run('epoch', 'history')).code, 0)
      const { code, stderr } = await run('epoch', 'history', '--verify')
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /epoch 1 does not follow: commit: 3 of 4 COMMITs/)
    })
  })

  describe('leave', () => {
    it("signs the wish with the operator's key, and waits until the node has left", async () => {
      let looks = 0
      const { status } = own
      own.replies = {
        leave: () => ({ proposalHash: 'cd'.repeat(32) }),
        status: () => (looks++ === 0 ? status : { ...status, standing: 'left', me: null }),
      }
      const { code, stdout, stderr } = await run('leave')
      assert.equal(code, 0, stderr)
      assert.match(stdout, /- member 1 .* goes by its own wish/)
      assert.match(stdout, /left: stop the node/)
      const wish = own.asked.find(({ method }) => method === 'leave')?.params as {
        leave: string
        t: number
      }
      const leave = signed(Leave).decode(fromHex(wish.leave))
      const [me = assert.fail()] = base().members
      assert.ok(isSignedBy(Leave, leave, base().networkId, me.operatorKey))
      assert.deepEqual([leave.object.e, leave.object.index, wish.t], [0, 1, 3])
    })

    it('is refused where too few would stay', async () => {
      await own.remove()
      own = await FakeOwnNode.create(3, 2)
      const { code, stderr } = await run('leave')
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /R4/)
    })
  })
})
