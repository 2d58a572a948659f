import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { Epoch } from '../../../protocols/agreement/epoch/state.ts'
import type { Node } from './node.ts'
import type { World } from './world.ts'

interface Presignature {
  readonly id: number
  readonly life: number
}

/** Signatures without their mathematics: who answers with a share of which epoch, and what is used once (03 §9.1). */
export class Signing {
  readonly #world: World
  /** Ready presignatures, in memory: gone with the process. */
  readonly #pools = new Map<Node, Presignature[]>()
  readonly #sent = new Map<string, number>()
  #made = 0

  constructor(world: World) {
    this.#world = world
  }

  /** Whether a member answers signing sessions of this epoch (03 §4.1 S10). */
  serves(node: Node, epoch: Epoch): boolean {
    const state = node.member?.state
    const { e } = epoch.record
    if (state?.standing !== 'member' || !this.#world.observer.holds(node, epoch)) return false
    const before = state.endings.get(e - 1)
    if (state.base.record.e === e) return e === 0 || before === undefined || before.active !== null
    return state.endings.get(e)?.isErased === false
  }

  /** Members that serve an epoch together, as one of them reaches them. */
  servers(epoch: Epoch, from: Node): Node[] {
    return epoch.record.members
      .map(({ guestSig }) => this.#world.nodeOf(hexOf(guestSig)))
      .filter((node) => node.isUp && this.#world.network.connected(node.address, from.address))
      .filter((node) => this.serves(node, epoch))
  }

  /** One request, led by `leader`: with the newest epoch that t reachable members serve. */
  begin(leader: Node): void {
    const world = this.#world
    const epochs = [...world.observer.epochs.values()].reverse()
    const epoch = epochs.find(
      (one) => this.serves(leader, one) && this.servers(one, leader).length >= one.record.t,
    )
    if (epoch === undefined) {
      world.observer.counts.refused++
      return
    }
    const others = this.servers(epoch, leader).filter((node) => node !== leader)
    const signers = [leader, ...world.chances.shares.shuffled(others).slice(0, epoch.record.t - 1)]
    const presignature = this.#take(leader)
    const shares: string[] = []
    for (const node of signers) {
      const { life } = node
      world.clock.after(5 + world.chances.shares.int(400), () => {
        if (node.life !== life || !this.serves(node, epoch)) return
        this.#speak(node, presignature.id)
        shares.push(`${epoch.record.e}/${epoch.record.k}`)
        if (new Set(shares).size > 1) world.observer.broken('I6', 'one signature from two epochs')
        if (shares.length === signers.length) world.observer.counts.signatures++
      })
    }
  }

  /** Taking is removing. */
  #take(node: Node): Presignature {
    const pool = (this.#pools.get(node) ?? []).filter(({ life }) => life === node.life)
    this.#pools.set(node, pool)
    while (pool.length < 3) pool.push({ id: ++this.#made, life: node.life })
    const first = pool[0] as Presignature
    if (this.#world.has('used-mark')) pool.shift()
    return first
  }

  #speak(node: Node, id: number): void {
    const name = `${node.address}/${id}`
    const times = (this.#sent.get(name) ?? 0) + 1
    this.#sent.set(name, times)
    if (times > 1) this.#world.observer.broken('I4', `${node.name} used presignature ${id} twice`)
  }
}
