import type { ClosedLog } from '../../../protocols/agreement/epoch/messages.ts'
import type { Node } from './node.ts'
import type { World } from './world.ts'

export class Logs {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }
  close(node: Node, e: number): void {
    node.giveAfter(0, { type: 'log-closed', e, open: [] })
    void this.#world
  }
  open(_node: Node, _e: number, _closes: readonly ClosedLog[]): void {}
  died(_node: Node): void {}
}
