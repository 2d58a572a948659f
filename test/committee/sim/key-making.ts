import { secp256k1 } from '@noble/curves/secp256k1.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import { isSameLeaf } from '../../../protocols/agreement/epoch/key-lists.ts'
import type { BaseEpoch } from '../../../protocols/agreement/epoch/state.ts'
import type { Node } from './node.ts'
import type { World } from './world.ts'

/** A key of this world as an epoch holds it. */
const keyOf = (
  keyId: Uint8Array,
  epochId: Uint8Array,
  certificate: Uint8Array | null,
): HeldKey => ({
  keyId,
  curve: 1,
  publicKey: concatBytes(Uint8Array.of(2), keyId),
  chainCodeHash: blake3(keyId),
  commitmentHash: blake3(concatBytes(epochId, keyId)),
  certificate,
})

interface Making {
  readonly key: HeldKey
  readonly e: number
  readonly leader: Node
  readonly life: number
  readonly signed: Set<Node>
  readonly quorum: number
}

/** Key generation without its mathematics: shares durable, K4 of those that may sign it, a certificate of q of them (03 §6.1). */
export class KeyMaking {
  readonly #world: World
  readonly #made = new Map<string, HeldKey>()
  readonly #epochs = new Map<string, number>()
  readonly #open = new Map<string, Making>()

  constructor(world: World) {
    this.#world = world
  }

  known(keyId: Uint8Array, epochId: Uint8Array): HeldKey {
    // a record takes no root key that is no point
    const key = { ...keyOf(keyId, epochId, null), publicKey: secp256k1.getPublicKey(keyId) }
    this.#made.set(hexOf(keyId), key)
    this.#epochs.set(hexOf(keyId), 0)
    return key
  }

  /** The root key of the genesis attempt with this id: one, whoever asks. */
  root(epochId: Uint8Array): HeldKey {
    const keyId = blake3(epochId)
    return this.#made.get(hexOf(keyId)) ?? this.known(keyId, epochId)
  }

  madeWith(id: string): HeldKey {
    const key = this.#made.get(id)
    if (key === undefined) throw new Error('bug: nobody made this key')
    return key
  }

  /** A key of the base's record, or one made in it, with the certificate that it was given. */
  isCertified(key: HeldKey, { record, keys }: BaseEpoch): boolean {
    if (key.certificate === null) return keys.some((other) => isSameLeaf(other, key))
    const id = hexOf(key.keyId)
    return (
      this.#made.get(id)?.certificate === key.certificate && this.epochOf(key.keyId) === record.e
    )
  }

  epochOf(keyId: Uint8Array): number {
    return this.#epochs.get(hexOf(keyId)) ?? 0
  }

  /** One generation, led by `leader`, among the members that it reaches. */
  begin(leader: Node): void {
    const world = this.#world
    const base = leader.member?.state.base
    if (base === undefined) return
    const { h, q } = world.numbers(base.record)
    const present = base.record.members
      .map(({ guestSig }) => world.nodeOf(hexOf(guestSig)))
      .filter((node) => node.isUp && world.network.connected(leader.address, node.address))
      .filter(
        (node) => node.member?.state.base.record.e === base.record.e && !node.vices.has('silent'),
      )
    if (present.length < h || !present.includes(leader)) return
    const keyId = world.chances.random.bytes(32)
    const id = hexOf(keyId)
    const key = keyOf(keyId, base.record.epochId, world.chances.random.bytes(32))
    this.#epochs.set(id, base.record.e)
    this.#open.set(id, {
      key,
      e: base.record.e,
      leader,
      life: leader.life,
      signed: new Set(),
      quorum: q,
    })
    for (const node of present) {
      const { life } = node
      world.clock.after(50 + world.chances.shares.int(800), () => {
        if (node.life !== life) return
        node.write([{ key: `share/${base.record.e}/${id}`, value: true }], true)
        if (node.life === life) node.give({ type: 'key-proved', keyId })
      })
    }
  }

  /** K4 of one member. */
  certified(node: Node, keyId: Uint8Array): void {
    const making = this.#open.get(hexOf(keyId))
    if (making === undefined || node.member?.state.base.record.e !== making.e) return
    making.signed.add(node)
    if (making.signed.size !== making.quorum) return
    this.#made.set(hexOf(keyId), making.key)
    const { leader, life, key } = making
    this.#world.clock.after(20 + this.#world.chances.shares.int(300), () => {
      if (leader.life === life) leader.give({ type: 'key-made', key })
    })
  }
}
