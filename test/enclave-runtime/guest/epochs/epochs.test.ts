import assert from 'node:assert/strict'
import { decodeLetterBody } from '../../../../enclave-runtime/guest/epochs/letter-body.ts'
import { hexOf } from '../../../../protocols/agreement/epoch/hex-of.ts'
import { decodeMessage } from '../../../../protocols/agreement/epoch/message-codec.ts'
import { joinHash } from '../../../../protocols/agreement/objects/join.ts'
import { Letter } from '../../../../protocols/agreement/objects/letter.ts'
import { LEAVE_REASONS } from '../../../../protocols/agreement/objects/proposal.ts'
import { signed } from '../../../../protocols/agreement/objects/signed.ts'
import { exampleKeys } from '../../../protocols/agreement/epoch/examples.ts'
import { EpochNet, type NetNode } from './epoch-net.ts'

const letterCodec = signed(Letter)

/** The type of the message in a letter that is whole. */
function typeIn(letter: Uint8Array): string {
  const body = decodeLetterBody(letterCodec.decode(letter).object.body)
  if (body.type === 'part') return 'part'
  try {
    return decodeMessage(body.bytes).type
  } catch {
    return 'list'
  }
}

/** H of the START in a letter. */
function startIn(letter: Uint8Array): string {
  const body = decodeLetterBody(letterCodec.decode(letter).object.body)
  assert.equal(body.type, 'whole')
  const message = decodeMessage(body.bytes).complete([[]])
  assert.ok(message.type === 'start')
  return hexOf(message.start.objectBytes)
}

/** All in one epoch with one record, and nothing went wrong that nobody meant. */
function agree(nodes: readonly NetNode[], e: number): void {
  const records = new Set(nodes.map((node) => hexOf(node.state.base.hash)))
  assert.equal(records.size, 1)
  for (const node of nodes) {
    assert.equal(node.e, e)
    assert.deepEqual(node.defects, [])
    assert.deepEqual(node.work?.activated.at(-1), { e, k: node.state.base.record.k })
  }
}

describe('the runner of epochs', function () {
  this.timeout(240_000)

  it('makes epoch 0 of the genesis file, signs its record with the root key, and shows it to the host', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    agree(net.nodes, 0)
    assert.ok(await net.until(() => net.nodes.every(({ state }) => state.endings.get(-1)?.root)))
    const { view } = net.at(3)
    assert.equal(view?.standing, 'member')
    assert.deepEqual(view?.epoch, { e: 0, k: 1 })
    assert.deepEqual(
      view?.members.map(({ index }) => index),
      [1, 2, 3, 4, 5],
    )
    assert.equal(net.at(1).state.base.keys.length, 1)
  })

  it('makes a refresh after it, destroys what was before, and has receipts of everybody', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    const before = net.at(1).state.base.record
    void net.propose(net.at(2))
    assert.ok(await net.until(net.allIn(1)))
    agree(net.nodes, 1)
    const { record, keys } = net.at(1).state.base
    assert.deepEqual(record.rootKey, before.rootKey)
    assert.notDeepEqual(record.keySetRoot, before.keySetRoot)
    assert.equal(keys[0]?.certificate, null)
    const erased = () =>
      net.nodes.every(({ state }) => state.endings.get(0)?.receipts.size === net.nodes.length)
    assert.ok(await net.until(erased))
    for (const { shares } of net.nodes) assert.deepEqual([...shares.keys()], [`1/${record.k}`])
    assert.deepEqual(net.at(4).epochs?.status()?.receipts.at(-1)?.missing, [])
  })

  it('takes a newcomer that nobody knew, by its join and the signatures of operators', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const newcomer = await net.newcomer()
    assert.equal(newcomer.view?.standing, 'joining')
    const join = newcomer.join()
    void net.propose(net.at(1), { kind: 1, joins: [joinHash(join)] }, [join])
    assert.ok(
      await net.until(
        () => net.at(2).view?.others.some(({ label }) => label === 'node 5') === true,
      ),
    )
    assert.ok(
      await net.until(net.allIn(1)),
      JSON.stringify(net.nodes.map((n) => [n.e, n.state.standing])),
    )
    agree(net.nodes, 1)
    assert.equal(net.memberOf(newcomer)?.index, 5)
    assert.equal(newcomer.view?.standing, 'member')
  })

  it('lets a member go, which then knows that it left', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    const leaver = net.at(4)
    void net.propose(leaver, { kind: 1, leaves: [{ index: 4, reason: LEAVE_REASONS.own }] })
    assert.ok(await net.until(net.allIn(1)))
    agree(net.nodes, 1)
    assert.equal(net.at(1).state.base.record.members.length, 4)
    assert.equal(leaver.view?.standing, 'left')
    assert.ok(await net.until(() => leaver.shares.size === 0), [...leaver.shares.keys()].join())
  })

  it('goes on without a member that is down, which is told when it is back', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    void net.propose(net.at(1))
    assert.ok(await net.until(net.allIn(1)))
    const late = net.at(5)
    // It hears nothing from here on: the next epoch has it, so it is READY, and hears of no decision.
    net.carries = (_from, to, bytes) =>
      to === late && ['vote', 'epoch', 'close', 'active'].includes(typeIn(bytes)) ? null : bytes
    void net.propose(net.at(1))
    assert.ok(await net.until(net.allIn(2, net.nodes.slice(0, 4))))
    assert.equal(late.e, 1)
    late.kill()
    net.carries = (_from, _to, bytes) => bytes
    await late.start()
    assert.ok(await net.until(net.allIn(2)))
    agree(net.nodes, 2)
  })

  it('asks everybody first: one that is not fit costs no attempt', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    net.at(3).unfit = ['no room on disk']
    void net.propose(net.at(1))
    const told = () =>
      net.nodes.some((node) => node.notices.some(({ about }) => about === 'preflight'))
    assert.ok(await net.until(told))
    assert.equal(net.at(1).state.attempts.size, 0)
    net.at(3).unfit = []
    assert.ok(await net.until(net.allIn(1)))
  })

  it('has an operator asked where a change needs one, and waits for it', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    for (const node of net.nodes) node.agrees = false
    void net.propose(net.at(1), { kind: 1, leaves: [{ index: 4, reason: LEAVE_REASONS.removed }] })
    const asked = () =>
      net.nodes.every((node) => node.notices.some(({ about }) => about === 'consult'))
    assert.ok(await net.until(asked))
    const [consultation] = net.at(2).notices.filter(({ about }) => about === 'consult')
    assert.ok(consultation?.about === 'consult' && consultation.needsOperator)
    assert.equal(consultation.opinion, null)
    assert.ok(!(await net.until(net.allIn(1), 20_000)))
    assert.deepEqual(
      net
        .at(2)
        .epochs?.status()
        ?.proposals.map(({ yes }) => yes),
      [[]],
    )
  })

  it('takes no letter for another guest, of another network, of nobody, or changed', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const letters: Uint8Array[] = []
    net.carries = (_from, to, bytes) => {
      if (to === net.at(2)) letters.push(bytes)
      return bytes
    }
    assert.ok(await net.until(() => letters.length > 5))
    net.carries = () => null
    const [letter] = letters
    assert.ok(letter)
    const count = () => ({ ...net.at(1).epochs?.dropped, two: net.at(2).epochs?.dropped.unsigned })
    const before = count()
    net.at(1).epochs?.receive(letter)
    assert.equal(count().misled, (before.misled ?? 0) + 1)
    for (const at of [letter.length - 1, letter.length - 80]) {
      const changed = letter.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      net.at(2).epochs?.receive(changed)
    }
    assert.equal(count().two, (before.two ?? 0) + 2)
    net.at(1).epochs?.receive(new Uint8Array(300).fill(0x81))
    assert.equal(count().malformed, (before.malformed ?? 0) + 1)
  })

  it('is not stopped by a flood of one member, and hears the others', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const kept: Uint8Array[] = []
    net.carries = (from, to, bytes) => {
      if (from === net.at(4) && to === net.at(1)) kept.push(bytes)
      return bytes
    }
    assert.ok(await net.until(() => kept.length > 0))
    const [one] = kept
    for (let i = 0; i < 2_000; i++) if (one) net.at(1).epochs?.receive(one)
    assert.ok((net.at(1).epochs?.dropped.flood ?? 0) > 1_500)
    void net.propose(net.at(2))
    assert.ok(await net.until(net.allIn(1)))
  })

  it('ends before a vote is sent that the disk did not take', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const victim = net.at(1)
    let votes = 0
    net.carries = (from, _to, bytes) => {
      if (from === victim && typeIn(bytes) === 'vote') votes++
      return bytes
    }
    victim.store.fails = () => {
      const attempt = [...(victim.epochs?.state?.attempts.values() ?? [])][0]
      return attempt !== undefined && (attempt.qbft?.record.round ?? 0) > 0
    }
    void net.propose(net.at(2))
    assert.ok(await net.until(() => victim.ends.length > 0))
    assert.equal(votes, 0)
    assert.equal(victim.ends[0]?.code, 71)
    victim.store.fails = () => false
    await victim.start()
    assert.ok(await net.until(net.allIn(1)))
  })

  it('ends with 72 where its disk was put back, and is in quarantine after a rejoin until an epoch is made with it', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const victim = net.at(2)
    const before = (await victim.store.records.scan('', '')).rows
    void net.propose(net.at(1), { kind: 2 })
    assert.ok(await net.until(net.allIn(1)))
    await net.until(() => false, 12_000) // beats tell the others how much it has written
    victim.kill()
    const now = (await victim.store.records.scan('', '')).rows
    await victim.store.records.batch({
      puts: before,
      deletes: now.map(([name]) => name).filter((name) => !before.some(([old]) => old === name)),
    })
    await victim.start()
    assert.ok(await net.until(() => victim.ends.length > 0))
    assert.equal(victim.ends[0]?.code, 72)
    await victim.start(true)
    assert.ok(await net.until(() => victim.e === 1 && victim.state.quarantine !== null))
    const seq = victim.vault?.seq ?? 0
    assert.ok(seq > 0)
    victim.kill()
    await victim.start() // the counter was raised: the next start is no rollback
    assert.ok(await net.until(() => victim.e === 1 && victim.state.standing === 'member'))
    assert.notEqual(victim.state.quarantine, null)
    void net.propose(net.at(1))
    assert.ok(await net.until(net.allIn(2)))
    assert.equal(victim.state.quarantine, null)
  })

  it('makes one epoch of two proposals that are accepted at once', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    const starts = new Set<string>()
    net.carries = (_from, _to, bytes) => {
      if (typeIn(bytes) === 'start') starts.add(startIn(bytes))
      return bytes
    }
    for (const node of net.nodes) void net.propose(node)
    assert.ok(await net.until(net.allIn(1)))
    assert.equal(starts.size, 1)
    assert.ok(!(await net.until(() => net.nodes.some(({ e }) => e > 1), 60_000)))
    agree(net.nodes, 1)
    assert.deepEqual(net.at(1).epochs?.status()?.proposals, [])
  })

  it('goes on with the next attempt where who started the first one is gone', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    let starter: NetNode | undefined
    net.carries = (from, _to, bytes) => {
      if (typeIn(bytes) === 'start') starter ??= from
      return bytes
    }
    void net.propose(net.at(1))
    assert.ok(await net.until(() => starter !== undefined))
    starter?.kill()
    const others = net.nodes.filter((node) => node !== starter)
    assert.ok(await net.until(() => others.every(({ state }) => state.aborts.has(1)), 300_000))
    for (const node of others) assert.ok(!node.shares.has('1/1'), 'shares of an attempt that ended')
    await starter?.start()
    assert.ok(await net.until(net.allIn(1), 300_000))
    assert.equal(net.at(1).state.base.record.k > 1, true)
    agree(net.nodes, 1)
  })

  it('brings a newcomer in by certificates that it learnt elsewhere, and the last list of keys alone', async () => {
    const net = await EpochNet.found(4, 3)
    for (const e of [0, 1]) {
      assert.ok(await net.until(net.allIn(e)))
      void net.propose(net.at(1))
    }
    assert.ok(await net.until(net.allIn(2)))
    net.carries = () => null
    const newcomer = await net.newcomer()
    const learn = (e: number) => {
      const cert = net.at(1).epochs?.history(e)
      assert.ok(cert)
      return newcomer.epochs?.learn(cert)
    }
    assert.equal(await learn(1), 'refused')
    assert.equal(await learn(0), 'next')
    assert.equal(await learn(0), 'known')
    assert.equal(await learn(1), 'next')
    assert.equal(await learn(2), 'next')
    net.carries = (_from, _to, bytes) => bytes
    assert.ok(await net.until(() => newcomer.epochs?.state?.base.record.e === 2))
    assert.deepEqual(newcomer.state.base.keys, net.at(1).state.base.keys)
    assert.equal(newcomer.state.epochs.get(1)?.keys, null)
    assert.ok(await net.until(() => newcomer.view?.standing === 'joining'))
    const forged = net.at(1).epochs?.history(2)
    assert.ok(forged)
    const { record } = forged
    assert.equal(
      await newcomer.epochs?.learn({ ...forged, record: { ...record, createdAt: 1 } }),
      'refused',
    )
  })

  it('carries ten thousand keys over a change with a newcomer, page by page', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    net.shares.more.push(...exampleKeys(10_000, false))
    void net.propose(net.at(1))
    assert.ok(await net.until(net.allIn(1)))
    assert.equal(net.at(2).state.base.keys.length, 10_001)
    const newcomer = await net.newcomer()
    assert.ok(await net.until(() => newcomer.e === 1))
    assert.equal(newcomer.state.base.keys.length, 10_001)
    const join = newcomer.join()
    let largest = 0
    net.carries = (_from, _to, bytes) => {
      largest = Math.max(largest, bytes.length)
      return bytes
    }
    void net.propose(net.at(1), { kind: 1, joins: [joinHash(join)] }, [join])
    assert.ok(await net.until(net.allIn(2), 300_000))
    assert.ok(largest < 52 * 1024)
    agree(net.nodes, 2)
    assert.equal(newcomer.state.base.keys.length, 10_001)
    newcomer.kill()
    await newcomer.start()
    assert.ok(await net.until(net.allIn(2)))
    assert.equal(newcomer.state.base.keys.length, 10_001)
  })

  it('has a newcomer that missed an epoch since it asked learn it when it is asked whether it can', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const newcomer = await net.newcomer()
    assert.ok(await net.until(() => newcomer.e === 0))
    const founders = net.nodes.slice(0, 4)
    void net.propose(net.at(1))
    assert.ok(await net.until(net.allIn(1, founders)))
    assert.equal(newcomer.e, 0)
    const join = newcomer.join()
    void net.propose(net.at(1), { kind: 1, joins: [joinHash(join)] }, [join])
    assert.ok(await net.until(net.allIn(2), 300_000))
    agree(net.nodes, 2)
  })

  it('proposes no change whose joins fit in no record', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const join = net.at(4).join()
    const large = { ...join, objectBytes: new Uint8Array(40_000) }
    const effects = await net.at(1).epochs?.ask({
      type: 'propose',
      joins: Array.from({ length: 11 }, () => large),
      proposal: {
        ...{
          kind: 1,
          joins: [],
          leaves: [],
          t: 3,
          params: null,
          allowAdd: [],
          allowDrop: [],
          unban: [],
        },
        expiresAt: net.clock.unixMs() + 60_000,
      },
    })
    const [effect] = effects ?? []
    assert.ok(effect?.do === 'notice' && effect.notice.about === 'refused')
    assert.equal(net.at(1).state.proposals.size, 0)
  })

  it('goes on after a defect that a message brings to light, from its records and without who sent it', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const victim = net.at(3)
    const boot = hexOf(victim.state.bootId)
    let asked = 0
    Object.defineProperty(victim, 'unfit', {
      get: () => {
        if (asked++ === 0) throw new Error('a defect')
        return []
      },
    })
    void net.propose(net.at(1))
    assert.ok(await net.until(() => victim.defects.length > 0, 300_000))
    assert.notEqual(hexOf(victim.state.bootId), boot)
    assert.ok(await net.until(net.allIn(1), 600_000))
    assert.equal(victim.defects.length, 1)
    assert.deepEqual(victim.ends, [])
  })
})
