import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { ENVELOPE_KINDS } from '../../../protocols/session/envelope.ts'
import { type Letter, settled, TestNetwork } from './channels-fixture.ts'

const kindOf = ({ bytes }: Letter): number => bytes[1] ?? 0
const isKind = (letter: Letter, kind: number): boolean => kindOf(letter) === kind
const { first, second, data, close } = ENVELOPE_KINDS
const kindsIn = (letters: readonly Letter[]) => letters.map(kindOf)

/** Alice is 1 and initiates, bob is 2. */
function twoGuests() {
  const network = new TestNetwork()
  const alice = network.start(1)
  const bob = network.start(2)
  return { network, alice, bob }
}

async function connected() {
  const both = twoGuests()
  await both.network.send(1, 2, 'hello')
  await settled()
  both.network.letters.length = 0
  both.bob.bodies.length = 0
  return both
}

describe('Channels', () => {
  it('makes a channel for the first message of the lower index', async () => {
    const { network, alice, bob } = twoGuests()
    await network.send(1, 2, 'one')
    await network.send(1, 2, 'two')
    await settled()
    assert.deepEqual(bob.bodies, ['1: one', '1: two'])
    await network.send(2, 1, 'back')
    await settled()
    assert.deepEqual(alice.bodies, ['2: back'])
    assert.deepEqual(kindsIn(network.letters), [first, second, data, data, data])
  })

  it('makes a channel for the first message of the higher index, by asking the lower', async () => {
    const { network, alice } = twoGuests()
    await network.send(2, 1, 'one')
    await settled()
    assert.deepEqual(alice.bodies, ['2: one'])
    assert.deepEqual(kindsIn(network.letters), [close, first, second, data, data])
  })

  it('makes channels before they are needed, once the hosts are connected', async () => {
    const { network, bob } = twoGuests()
    network.of(1).links([2])
    await settled()
    assert.deepEqual(kindsIn(network.letters), [first, second, data])
    assert.deepEqual(bob.bodies, []) // what confirms the channel is no message
    network.of(1).links([2])
    await network.send(2, 1, 'at once')
    assert.equal(network.letters.length, 4)
    assert.equal(network.of(1).facts(2)?.vaultSeq, 5)
  })

  it('keeps order within the queue that waits for the handshake', async () => {
    const { network, bob } = twoGuests()
    await Promise.all(['a', 'b', 'c'].map((text) => network.send(1, 2, text)))
    await settled()
    assert.deepEqual(bob.bodies, ['1: a', '1: b', '1: c'])
  })

  it('tells who cannot be reached, and for whom the host has no room', async () => {
    const { network } = twoGuests()
    network.fate = () => 'UNREACHABLE'
    await assert.rejects(network.send(1, 2, 'x'), { name: 'ChannelError', code: 'UNREACHABLE' })
    await assert.rejects(network.send(1, 2, 'x'), { code: 'UNREACHABLE' }) // without waiting for a retry
    network.fate = () => 'OVERLOADED'
    await assert.rejects(network.send(1, 3, 'x'), { code: 'OVERLOADED', peer: 3 })
    await assert.rejects(network.send(1, 9, 'x'), { code: 'UNREACHABLE' })
    await assert.rejects(network.send(1, 1, 'x'), { code: 'UNREACHABLE' })
  })

  it('ends the wait for a handshake at the signal', async () => {
    const { network, bob } = twoGuests()
    network.fate = () => [] // the host drops everything
    const abort = new AbortController()
    const sent = network.send(1, 2, 'x', abort.signal)
    const other = network.send(1, 2, 'y')
    abort.abort()
    await assert.rejects(sent, { code: 'UNREACHABLE' })
    await assert.rejects(network.send(1, 2, 'z', abort.signal), { code: 'UNREACHABLE' })
    network.fate = (letter) => [letter]
    network.clock.turn(60_000)
    await other
    await settled()
    assert.deepEqual(bob.bodies, ['1: y'])
  })

  it('waits for nothing when the host takes a letter at once, and to the signal when it does not', async () => {
    const { network, bob } = twoGuests()
    await network.send(1, 2, 'a')
    const abort = new AbortController()
    network.takesAtOnce = true
    const taken = network.send(1, 2, 'b', abort.signal)
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
    await taken
    network.takesAtOnce = false
    network.whenTaken = () => new Promise(() => undefined)
    const waits = network.send(1, 2, 'c', abort.signal)
    assert.equal(getEventListeners(abort.signal, 'abort').length, 1)
    abort.abort()
    await assert.rejects(waits, { code: 'UNREACHABLE' })
    await settled()
    assert.deepEqual(bob.bodies, ['1: a', '1: b', '1: c'])
  })

  it('queues a bounded number and a bounded size', async () => {
    const { network } = twoGuests()
    network.fate = () => []
    const pending: Promise<unknown>[] = []
    const push = (text: string, to: number) =>
      pending.push(network.send(1, to, text).catch((error: unknown) => error))
    for (let i = 0; i < 1024; i++) push('x', 2)
    await assert.rejects(network.send(1, 2, 'x'), { code: 'OVERLOADED' })
    const big = 'x'.repeat(1_000_000)
    for (let i = 0; i < 8; i++) push(big, 3)
    await assert.rejects(network.send(1, 3, big), { code: 'OVERLOADED' })
    network.of(1).close()
    assert.equal((await Promise.all(pending)).filter((e) => e instanceof Error).length, 1032)
    assert.equal(network.clock.bells, 0)
  })

  it('tries the handshake again when either message of it is lost', async () => {
    for (const lost of [first, second]) {
      const { network, bob } = twoGuests()
      let drops = 2
      network.fate = (letter) => (isKind(letter, lost) && drops-- > 0 ? [] : [letter])
      const sent = network.send(1, 2, 'x')
      await settled()
      assert.deepEqual(bob.bodies, [])
      network.clock.turn(1000)
      await settled()
      network.clock.turn(2000)
      await sent
      await settled()
      assert.deepEqual(bob.bodies, ['1: x'])
    }
  })

  it('works when the message that confirms the channel is lost', async () => {
    const { network, alice, bob } = twoGuests()
    network.fate = (letter) => (isKind(letter, data) ? [] : [letter])
    network.of(1).links([2])
    await settled()
    network.fate = (letter) => [letter]
    const sent = network.send(2, 1, 'x')
    network.clock.turn(1000)
    await settled()
    network.clock.turn(2000)
    await sent
    await settled()
    assert.deepEqual(alice.bodies, ['2: x'])
    assert.deepEqual([alice.restarts, bob.restarts], [[], []])
  })
})

describe('Channels against a host', () => {
  it('that duplicates: each message once', async () => {
    const { network, alice, bob } = twoGuests()
    network.fate = (letter) => [letter, letter, letter]
    for (const text of ['a', 'b', 'c']) await network.send(1, 2, text)
    await network.send(2, 1, 'd')
    await settled()
    assert.deepEqual(bob.bodies, ['1: a', '1: b', '1: c'])
    assert.deepEqual(alice.bodies, ['2: d'])
  })

  it('that replays everything later: nothing is taken twice, and nobody seems to have restarted', async () => {
    const { network, alice, bob } = twoGuests()
    await network.send(1, 2, 'a')
    await network.send(2, 1, 'b')
    await settled()
    const old = [...network.letters]
    for (let i = 0; i < 20; i++) for (const letter of old) network.deliver(letter)
    await settled()
    assert.deepEqual(bob.bodies, ['1: a'])
    assert.deepEqual(alice.bodies, ['2: b'])
    await network.send(1, 2, 'c')
    await network.send(2, 1, 'd')
    await settled()
    assert.deepEqual(bob.bodies, ['1: a', '1: c'])
    assert.deepEqual(alice.bodies, ['2: b', '2: d'])
    assert.deepEqual([alice.restarts, bob.restarts], [[], []])
  })

  it('that reorders and drops: what arrives is taken', async () => {
    const { network, bob } = await connected()
    const held: Letter[] = []
    network.fate = (letter) => {
      held.push(letter)
      return []
    }
    for (const text of ['a', 'b', 'c', 'd']) await network.send(1, 2, text)
    for (const i of [3, 1, 0]) if (held[i]) network.deliver(held[i])
    await settled()
    assert.deepEqual(bob.bodies, ['1: d', '1: b', '1: a'])
  })

  it('that flips any byte: the letter is dropped, nobody is blamed, and the channel goes on', async () => {
    const { network, alice, bob } = await connected()
    const held: Letter[] = []
    network.fate = (letter) => {
      held.push(letter)
      return []
    }
    await network.send(1, 2, 'a')
    network.fate = (letter) => [letter]
    const [letter] = held
    assert.ok(letter)
    for (let at = 0; at < letter.bytes.length; at++) {
      const bytes = letter.bytes.slice()
      bytes[at] = (bytes[at] ?? 0) ^ 1
      network.clock.turn(11_000 / 16) // slower than what asks for a new handshake
      network.deliver({ ...letter, bytes })
      await settled()
    }
    assert.deepEqual(bob.bodies, [])
    assert.deepEqual([alice.malformed, bob.malformed], [[], []])
    await network.send(1, 2, 'b')
    await settled()
    assert.deepEqual(bob.bodies, ['1: b'])
    const dropped = [...network.of(2).dropped.values()].reduce((sum, each) => sum + each, 0)
    assert.ok(dropped >= letter.bytes.length, `${dropped}`)
  })

  it('that brings a letter to another guest, or under another sender’s name', async () => {
    const { network, bob } = await connected()
    const carol = network.start(3)
    await network.send(1, 3, 'for carol')
    await settled()
    const letter = network.letters.at(-1)
    assert.ok(letter)
    network.deliver({ ...letter, to: 2 })
    network.deliver({ ...letter, from: 2 })
    const readdressed = letter.bytes.slice()
    readdressed[5] = 2 // the header says: to bob
    network.deliver({ from: 1, to: 2, bytes: readdressed })
    await settled()
    assert.deepEqual(bob.bodies, [])
    assert.deepEqual(carol.bodies, ['1: for carol'])
    assert.ok((network.of(2).dropped.get('address') ?? 0) > 0)
    for (const at of [6, 7]) {
      const elsewhen = letter.bytes.slice()
      elsewhen[at] = 1 // the header says: of another epoch
      network.of(3).receive(1, elsewhen)
    }
    assert.equal(network.of(3).dropped.get('epoch'), 2)
    assert.deepEqual(carol.bodies, ['1: for carol'])
  })

  it('that brings letters of another network, another epoch or another key', async () => {
    for (const other of [
      { networkId: new Uint8Array(32).fill(9) },
      { e: 2 ** 16 },
      { epochId: new Uint8Array(32).fill(9) },
      { keys: 'mallory' },
    ]) {
      const network = new TestNetwork()
      network.start(1, other)
      const bob = network.start(2)
      const sent = network.send(1, 2, 'x')
      for (let i = 0; i < 5; i++) {
        await settled()
        network.clock.turn(8000)
      }
      network.of(1).close()
      await assert.rejects(sent, { code: 'UNREACHABLE' })
      assert.deepEqual(bob.bodies, [])
      assert.ok((network.of(2).dropped.get('handshake') ?? 0) > 0)
    }
  })

  it('that floods first messages: afterwards there is a channel as before', async () => {
    const { network, bob } = twoGuests()
    const recorded: Letter[] = []
    network.fate = (letter) => {
      if (isKind(letter, first)) recorded.push(letter)
      return isKind(letter, first) ? [] : [letter]
    }
    const sent = network.send(1, 2, 'x')
    for (let i = 0; i < 10; i++) {
      network.clock.turn(8000)
      await settled()
    }
    assert.ok(recorded.length >= 8)
    for (let i = 0; i < 50; i++) for (const letter of recorded) network.deliver(letter)
    await sent // perhaps on a channel that the flood drove out: no more than a drop
    await settled()
    network.fate = (letter) => [letter]
    network.clock.turn(2000)
    await network.send(1, 2, 'lost or not')
    await settled()
    await network.send(1, 2, 'y')
    await settled()
    assert.equal(bob.bodies.at(-1), '1: y')
    assert.deepEqual(bob.restarts, [])
  })

  it('that forges hints: the peer loses nothing but a handshake now and then', async () => {
    const { network, alice, bob } = await connected()
    for (const channel of [new Uint8Array(8), network.letters[0]?.bytes.slice(8, 16)]) {
      network.clock.turn(2000)
      const bytes = new Uint8Array(24)
      bytes.set([1, close, 0, 2, 0, 1])
      if (channel) bytes.set(channel, 8)
      for (let i = 0; i < 100; i++) network.deliver({ from: 2, to: 1, bytes })
      await settled()
    }
    assert.ok(network.letters.filter((letter) => isKind(letter, first)).length <= 2)
    await network.send(1, 2, 'a')
    await network.send(2, 1, 'b')
    await settled()
    assert.deepEqual([bob.bodies, alice.bodies], [['1: a'], ['2: b']])
    assert.deepEqual([alice.restarts, bob.restarts], [[], []])
  })

  it('that sends random bytes: 10,000 letters change nothing', async () => {
    const { network, bob, alice } = await connected()
    let seed = 1
    for (let i = 0; i < 10_000; i++) {
      const bytes = Uint8Array.from({ length: 20 + (i % 60) }, () => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
        return (seed >> 8) & 255
      })
      if (i % 2) bytes.set([1, 1 + (i % 4), 0, 1, 0, 2, 0, 0])
      network.of(2).receive(1, bytes)
    }
    await settled()
    await network.send(1, 2, 'a')
    await network.send(2, 1, 'b')
    await settled()
    assert.deepEqual([bob.bodies, alice.bodies], [['1: a'], ['2: b']])
    assert.deepEqual(bob.malformed, [])
  })
})

describe('Channels over time', () => {
  it('tell of a restart of either side before its first message, and only once', async () => {
    for (const again of [1, 2]) {
      const { network } = await connected()
      const other = 3 - again
      const heard = network.guests.get(other)?.heard
      if (heard) heard.bodies.length = 0
      network.clock.turn(2000)
      network.start(again)
      await network.send(again, other, 'anew')
      await settled()
      await network.send(again, other, 'more')
      await settled()
      assert.deepEqual(heard?.restarts, [again])
      assert.deepEqual(heard?.bodies, [`${again}: anew`, `${again}: more`])
    }
  })

  it('take nothing more from the guest before, once its successor is heard', async () => {
    for (const again of [1, 2]) {
      const { network } = await connected()
      const other = 3 - again
      const held: Letter[] = []
      network.fate = (letter) => {
        held.push(letter)
        return []
      }
      await network.send(again, other, 'of the boot before') // a host that holds it back
      network.fate = (letter) => [letter]
      network.clock.turn(2000)
      network.start(again)
      await network.send(again, other, 'anew')
      await settled()
      const heard = network.guests.get(other)?.heard
      const taken = heard?.bodies.length
      for (const letter of held) network.deliver(letter)
      await settled()
      assert.equal(heard?.bodies.length, taken)
      assert.equal(heard?.bodies.at(-1), `${again}: anew`)
      assert.deepEqual(heard?.restarts, [again])
    }
  })

  it('find out that the peer has lost the channel, whoever speaks first', async () => {
    for (const again of [1, 2]) {
      const { network } = await connected()
      const other = 3 - again
      const heard = network.start(again)
      network.clock.turn(2000)
      await network.send(other, again, 'lost') // sealed under keys that are gone
      await settled()
      network.clock.turn(2000)
      await settled()
      await network.send(other, again, 'found')
      await settled()
      assert.deepEqual(heard.bodies, [`${other}: found`])
      assert.deepEqual(network.guests.get(other)?.heard.restarts, [again])
    }
  })

  it('make a new channel after an hour, and the old one receives for 60 s more', async () => {
    const { network, bob } = await connected()
    const held: Letter[] = []
    network.fate = (letter) => {
      held.push(letter)
      return []
    }
    for (const text of ['early', 'late']) await network.send(1, 2, text)
    network.fate = (letter) => [letter]
    network.clock.turn(3_600_000)
    await network.send(1, 2, 'due') // leaves on the old channel and asks for a new one
    await settled()
    assert.equal(network.letters.filter((letter) => isKind(letter, first)).length, 1)
    await network.send(1, 2, 'new')
    await settled()
    const ids = network.letters
      .filter((l) => isKind(l, data))
      .map((l) => l.bytes.slice(8, 16).join())
    assert.equal(new Set(ids).size, 2)
    network.clock.turn(59_999)
    if (held[0]) network.deliver(held[0])
    await settled()
    network.clock.turn(2)
    if (held[1]) network.deliver(held[1])
    await settled()
    assert.deepEqual(bob.bodies, ['1: due', '1: new', '1: early'])
    assert.deepEqual(bob.restarts, [])
  })

  it('make a new channel after a number of messages, whoever sends them, and lose none', async () => {
    for (const sender of [1, 2]) {
      const network = new TestNetwork()
      for (const me of [1, 2]) network.start(me, { rekeyMessages: 10 })
      const heard = network.guests.get(3 - sender)?.heard
      for (let i = 0; i < 50; i++) {
        await network.send(sender, 3 - sender, String(i))
        await settled()
      }
      assert.equal(heard?.bodies.length, 50)
      const handshakes = network.letters.filter((letter) => isKind(letter, first)).length
      assert.ok(handshakes >= 4 && handshakes <= 6, `${handshakes}`)
      assert.deepEqual(heard?.restarts, [])
    }
  })

  it('send nothing on a channel that is long overdue', async () => {
    const { network, bob } = await connected()
    network.clock.turn(3_600_000 + 60_000)
    await network.send(1, 2, 'x')
    await settled()
    assert.deepEqual(kindsIn(network.letters), [first, second, data])
    network.clock.turn(3_600_000 + 60_000)
    await network.send(2, 1, 'y')
    await settled()
    assert.deepEqual(bob.bodies, ['1: x'])
    assert.deepEqual(network.guests.get(1)?.heard.bodies, ['2: y'])
  })

  it('make a new channel after 16 failures in 10 s, and not after 15', async () => {
    const { network } = await connected()
    await network.send(1, 2, 'a')
    const letter = network.letters.at(-1)
    assert.ok(letter)
    const forge = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const bytes = letter.bytes.slice()
        bytes[22] = 1 // a sequence that was not used
        bytes[30] = (bytes[30] ?? 0) ^ 1
        network.of(2).receive(1, bytes)
      }
      await settled()
    }
    network.clock.turn(2000)
    await forge(15)
    network.clock.turn(10_001)
    await forge(15)
    assert.ok(!network.letters.some((each) => isKind(each, close)))
    await forge(1)
    assert.deepEqual(kindsIn(network.letters).slice(1), [close, first, second, data])
  })

  it('leave nothing that waits when they are closed', async () => {
    const { network } = twoGuests()
    network.fate = () => []
    const sent = network.send(1, 2, 'x')
    network.of(1).close()
    await assert.rejects(sent, { code: 'UNREACHABLE' })
    assert.equal(network.clock.bells, 0)
  })
})
