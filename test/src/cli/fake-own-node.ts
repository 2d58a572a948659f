import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import type { OwnNode } from '../../../src/cli/actions.ts'
import type {
  Method,
  OperatorStatus,
  ParamsOf,
  ResultOf,
} from '../../../src/node/operator/messages.ts'
import { type ExampleFirst, exampleFirst } from '../../protocols/agreement/example-epochs.ts'
import { aStatus } from '../../support/fake-operator.ts'
import { seeded } from '../../support/seeded.ts'

const PKCS8_ED25519 = '302e020100300506032b657004220420'

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The operator's secret of example member `index`, drawn as `exampleMember` draws its public half. */
const operatorSecret = (index: number): Uint8Array => {
  const random = seeded(`member ${index}`)
  random(32)
  random(32)
  return random(32)
}

type Replies = { readonly [M in Method]?: (params: ParamsOf<M>) => ResultOf<M> }

/** The node of example member 1, whose epoch 0 serves; it answers what a test says, and notes what it was asked. */
export class FakeOwnNode {
  readonly first: ExampleFirst
  readonly asked: { readonly method: Method; readonly params: unknown }[] = []
  status: OperatorStatus
  replies: Replies = {}
  closed = 0
  readonly #dir: string

  private constructor(dir: string, first: ExampleFirst) {
    this.#dir = dir
    this.first = first
    const { record, base } = first
    this.status = aStatus({
      networkId: toHex(base.networkId),
      committeeId: toHex(base.committeeId),
      record: toHex(EpochRecord.encode(record)),
      baseHash: toHex(recordHash(record)),
      t: record.t,
      members: record.members.map(({ index, guestSig, label }) => ({
        index,
        guestSig: toHex(guestSig),
        label,
        silentMs: 0,
        contributing: true,
      })),
    })
  }

  static async create(n = 5, t = 3): Promise<FakeOwnNode> {
    const dir = await mkdtemp(join(tmpdir(), 'holdfast-own-'))
    const node = new FakeOwnNode(dir, exampleFirst(n, t))
    await writeFile(join(dir, 'genesis.cbor'), node.first.genesis)
    for (const index of [1, 2, 7]) {
      const der = Buffer.concat([Buffer.from(PKCS8_ED25519, 'hex'), operatorSecret(index)])
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
      const pem = key.export({ type: 'pkcs8', format: 'pem' })
      await writeFile(node.keyOf(index), pem, { mode: 0o600 })
    }
    return node
  }

  keyOf(index: number): string {
    return join(this.#dir, `operator-${index}.key`)
  }

  file(name: string): string {
    return join(this.#dir, name)
  }

  remove(): Promise<void> {
    return rm(this.#dir, { recursive: true })
  }

  /** As `Actions.ownNode` gives it. */
  own(): OwnNode {
    return {
      node: {
        ask: async (method, params) => {
          this.asked.push({ method, params })
          if (method === 'status' && this.replies.status === undefined) return this.status as never
          const reply = this.replies[method] as ((params: unknown) => never) | undefined
          if (reply === undefined) throw new Error(`the command asked for ${method}`)
          return reply(params)
        },
        close: () => {
          this.closed++
        },
      },
      genesisFile: this.file('genesis.cbor'),
      operatorKey: this.keyOf(1),
    }
  }
}
